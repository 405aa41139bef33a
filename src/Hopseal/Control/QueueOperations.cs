using System.Runtime.CompilerServices;
using Hopseal.Configuration;
using Hopseal.Relay.Queue;
using Hopseal.Relay.Stores.Sqlite;
using Microsoft.Extensions.Logging;

namespace Hopseal.Control;

/// <summary>Does what commands ask of the queue, in a running gateway or on the store of a stopped one.</summary>
/// <param name="retry">Told each domain whose entries were made due: its back-off ends.</param>
/// <param name="wake">Told that something may be due.</param>
sealed partial class QueueOperations(
    SqliteQueueStore store, TimeProvider clock, ILogger<QueueOperations> log, Action<string>? retry = null, Action? wake = null)
{
    /// <summary>Entries looked at, or changed in one transaction: mail that arrives meanwhile waits no longer than that takes.</summary>
    const int Page = 256;

    /// <summary>A chunk of content; it grows by a third on its way.</summary>
    const int ChunkOctets = 96 * 1024;

    /// <summary>The lines of the answer, the last one included.</summary>
    /// <exception cref="QueueStoreException">The queue cannot be read or written; what was done up to there stays.</exception>
    public IAsyncEnumerable<ControlLine> RunAsync(ControlRequest request, CancellationToken cancel)
    {
        if (request.Select(out var fault) is not { } selection)
        {
            return OneAsync(new ControlLine.Fault(fault!));
        }

        return request.Command switch
        {
            ControlCommand.List => ListAsync(selection, request.Limit, cancel),
            ControlCommand.Summary => SummaryAsync(selection, request.Limit, cancel),
            ControlCommand.Show => ShowAsync(selection, cancel),
            ControlCommand.Content => ContentAsync(selection, cancel),
            ControlCommand.Retry => ChangeAsync(QueueAction.Retry, selection, request.DryRun, cancel),
            ControlCommand.Hold => ChangeAsync(QueueAction.Hold, selection, request.DryRun, cancel),
            ControlCommand.Release => ChangeAsync(QueueAction.Release, selection, request.DryRun, cancel),
            ControlCommand.Delete => ChangeAsync(QueueAction.Delete, selection, request.DryRun, cancel),
            ControlCommand.Plan or ControlCommand.TlsList or ControlCommand.TlsForget or ControlCommand.AlertTest or ControlCommand.AlertSilence
                or ControlCommand.ReportSend or ControlCommand.RequireList or ControlCommand.RequireAdd or ControlCommand.RequireRemove
                or ControlCommand.MonitorLook or ControlCommand.MonitorAccept =>
                OneAsync(new ControlLine.Fault("that is no matter of the queue")),
        };
    }

    async IAsyncEnumerable<ControlLine> ListAsync(QueueSelection selection, long limit, [EnumeratorCancellation] CancellationToken cancel)
    {
        var missing = await MissingAsync(selection, cancel);
        var shown = 0L;
        var more = 0L;
        for (QueuePosition? place = QueuePosition.Start; place is { } after;)
        {
            var room = limit == 0 ? Page : (int)Math.Min(Page, limit - shown);
            if (room == 0)
            {
                more = await store.CountAsync(selection, after, cancel);
                break;
            }

            var page = await store.ListAsync(selection, after, room, cancel);
            foreach (var entry in page.Entries)
            {
                yield return ControlLine.Entry.Of(entry);
            }

            shown += page.Entries.Length;
            place = page.Next;
        }

        yield return new ControlLine.Done(shown + more, 0, 0, 0, more, missing);
    }

    /// <summary>In memory there is one line for each destination, however many entries it has.</summary>
    async IAsyncEnumerable<ControlLine> SummaryAsync(QueueSelection selection, long limit, [EnumeratorCancellation] CancellationToken cancel)
    {
        var missing = await MissingAsync(selection, cancel);
        var destinations = new Dictionary<string, DestinationTally>(StringComparer.Ordinal);
        for (QueuePosition? place = QueuePosition.Start; place is { } after;)
        {
            var page = await store.ListAsync(selection, after, Page, cancel);
            foreach (var entry in page.Entries)
            {
                if (!destinations.TryGetValue(entry.Domain, out var tally))
                {
                    destinations.Add(entry.Domain, tally = new DestinationTally(entry));
                }

                tally.Add(entry);
            }

            place = page.Next;
        }

        var shown = destinations.Values.Select(tally => tally.ToLine())
            .OrderByDescending(line => line.Entries).ThenBy(line => line.Domain, StringComparer.Ordinal)
            .Take(limit == 0 ? int.MaxValue : (int)Math.Min(limit, int.MaxValue)).ToList();
        foreach (var line in shown)
        {
            yield return line;
        }

        yield return new ControlLine.Done(destinations.Count, 0, 0, 0, destinations.Count - shown.Count, missing);
    }

    async IAsyncEnumerable<ControlLine> ShowAsync(QueueSelection selection, [EnumeratorCancellation] CancellationToken cancel)
    {
        var missing = new List<string>();
        var entries = 0L;
        foreach (var id in selection.Ids)
        {
            if (await store.FindAsync(id, cancel) is not { } message)
            {
                missing.Add(id.Text);
                continue;
            }

            entries += message.Entries.Length;
            yield return new ControlLine.Message(
                id.Text, message.ReceivedAt, message.Size, message.Sender, message.Body, message.SmtpUtf8, message.EnvelopeId,
                message.Tls);
            foreach (var entry in message.Entries)
            {
                yield return ControlLine.Entry.Of(entry);
            }

            foreach (var recipient in message.Recipients)
            {
                yield return new ControlLine.Recipient(
                    recipient.Address, recipient.Domain, recipient.State, recipient.Status, recipient.Reason);
            }
        }

        yield return new ControlLine.Done(entries, 0, 0, 0, 0, missing);
    }

    async IAsyncEnumerable<ControlLine> ContentAsync(QueueSelection selection, [EnumeratorCancellation] CancellationToken cancel)
    {
        if (selection.Ids is not [var id])
        {
            yield return new ControlLine.Fault("content is asked for by one id");
            yield break;
        }

        if (await store.FindAsync(id, cancel) is null)
        {
            yield return new ControlLine.Done(0, 0, 0, 0, 0, [id.Text]);
            yield break;
        }

        await using var content = await store.OpenContentAsync(id, cancel);
        var chunk = new byte[ChunkOctets];
        while (await content.ReadAtLeastAsync(chunk, chunk.Length, throwOnEndOfStream: false, cancel) is > 0 and var read)
        {
            yield return new ControlLine.Content(chunk[..read]);
        }

        yield return new ControlLine.Done(1, 0, 0, 0, 0, []);
    }

    async IAsyncEnumerable<ControlLine> ChangeAsync(
        QueueAction action, QueueSelection selection, bool dryRun, [EnumeratorCancellation] CancellationToken cancel)
    {
        var missing = await MissingAsync(selection, cancel);
        var now = clock.GetUtcNow();

        // What arrives from now on was not meant, and would be chased for ever.
        selection = selection with { ReceivedBefore = selection.ReceivedBefore ?? now.AddMilliseconds(1) };
        if (dryRun)
        {
            yield return new ControlLine.Done(await store.CountAsync(selection, QueuePosition.Start, cancel), 0, 0, 0, 0, missing);
            yield break;
        }

        var counts = new long[4];
        for (QueuePosition? place = QueuePosition.Start; place is { } after;)
        {
            var page = await store.ListAsync(selection, after, Page, cancel);
            var changes = await store.ChangeAsync(action, [.. page.Entries.Select(entry => entry.Key)], now, cancel);
            foreach (var change in changes)
            {
                counts[(int)change]++;
            }

            if (action is QueueAction.Retry)
            {
                var domains = page.Entries.Zip(changes).Where(pair => pair.Second is EntryChange.Done).Select(pair => pair.First.Domain);
                foreach (var domain in domains.Distinct(StringComparer.Ordinal))
                {
                    retry?.Invoke(domain);
                }
            }

            wake?.Invoke();
            place = page.Next;
        }

        var changed = counts[(int)EntryChange.Done];
        if (changed > 0)
        {
            LogChanged(action, changed, Describe(selection));
        }

        // What has left the queue between the look and the change was not met.
        yield return new ControlLine.Done(
            counts.Sum() - counts[(int)EntryChange.Gone],
            changed,
            counts[(int)EntryChange.Unchanged],
            counts[(int)EntryChange.Attempting],
            0,
            missing);
    }

    async ValueTask<List<string>> MissingAsync(QueueSelection selection, CancellationToken cancel)
    {
        var missing = new List<string>();
        foreach (var id in selection.Ids)
        {
            if (await store.CountAsync(new QueueSelection { Ids = [id] }, QueuePosition.Start, cancel) == 0)
            {
                missing.Add(id.Text);
            }
        }

        return missing;
    }

    static string Describe(QueueSelection selection)
    {
        const int MostIds = 10;
        var ids = string.Join(' ', selection.Ids.Take(MostIds)) + (selection.Ids.Length > MostIds ? " …" : "");
        string?[] parts =
        [
            ids.Length == 0 ? null : ids,
            selection.Domain is { } domain ? $"domain {domain}" : null,
            selection.Sender is { } sender ? $"sender <{sender}>" : null,
            selection.State is { } state ? $"state {state}" : null,
            selection.ReceivedAfter is { } after ? $"received after {after.UtcDateTime:O}" : null,
            $"received before {selection.ReceivedBefore?.UtcDateTime:O}",
        ];
        return Shown.Plain(string.Join(", ", parts.OfType<string>()));
    }

    static async IAsyncEnumerable<ControlLine> OneAsync(ControlLine line)
    {
        await ValueTask.CompletedTask;
        yield return line;
    }

    [LoggerMessage(2301, LogLevel.Information, "An operator's {Action} changed {Count} entries of the queue: {Selection}")]
    partial void LogChanged(QueueAction action, long count, string selection);

    /// <summary>What is known of one destination so far.</summary>
    sealed class DestinationTally(QueueEntry first)
    {
        readonly long[] _states = new long[4];
        DateTimeOffset? _next;
        QueueEntry? _latest;

        public void Add(QueueEntry entry)
        {
            _states[(int)entry.State]++;
            _next = entry.NextAttemptAt < _next ? entry.NextAttemptAt : _next ?? entry.NextAttemptAt;

            // The entry that waits longest from now on was tried last.
            if (entry.Reason is not null && (_latest is null || entry.NextAttemptAt >= (_latest.NextAttemptAt ?? DateTimeOffset.MinValue)))
            {
                _latest = entry;
            }
        }

        public ControlLine.Destination ToLine() => new(
            first.Domain,
            _states.Sum(),
            _states[(int)EntryState.Waiting],
            _states[(int)EntryState.Deferred],
            _states[(int)EntryState.Held],
            _states[(int)EntryState.Attempting],
            first.ReceivedAt,
            _next,
            _latest?.Status,
            _latest?.Reason);
    }
}
