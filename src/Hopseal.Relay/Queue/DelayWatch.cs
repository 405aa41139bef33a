using System.Collections.Immutable;
using Hopseal.Relay.Attempt;
using Hopseal.Relay.Dsn;
using Hopseal.Smtp.Mail;
using Hopseal.Smtp.Wire;
using Microsoft.Extensions.Logging;

namespace Hopseal.Relay.Queue;

/// <summary>Tells senders, once for each message and domain, that their mail waits (RFC 3461 §5.2.5). It looks at the queue itself and not at
/// attempts, because there may be none for a while: a destination that is down is left alone.</summary>
public sealed partial class DelayWatch(
    MessageQueue queue, DeliveryReport reports, DelayWatchOptions options, ILogger<DelayWatch> log)
{
    static readonly TimeSpan s_interval = TimeSpan.FromMinutes(1);

    /// <summary>RFC 3463 §3.5: nothing was tried yet, because other mail went first.</summary>
    static readonly EnhancedStatus s_congestion = new(4, 4, 5);

    /// <summary>Looks at once and then every minute, until <paramref name="stop"/>. A store that fails is asked again a minute later.</summary>
    public async Task RunAsync(CancellationToken stop)
    {
        using var timer = new PeriodicTimer(s_interval, options.Clock);
        try
        {
            do
            {
                await LookAsync(stop);
            }
            while (await timer.WaitForNextTickAsync(stop));
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            // Stopped. What is not reported yet is found again after the next start.
        }
    }

    /// <summary>One look at the whole queue, in bounded steps.</summary>
    internal async Task LookAsync(CancellationToken stop)
    {
        try
        {
            var receivedBefore = options.Clock.GetUtcNow() - options.WarnAfter;
            DelayCursor? cursor = null;
            do
            {
                var scan = await queue.FindDelayedAsync(receivedBefore, cursor, stop);
                await Task.WhenAll(scan.Entries.Select(entry => WarnAsync(entry, stop)));
                cursor = scan.Next;
            }
            while (cursor is not null);
        }
        catch (QueueStoreException e)
        {
            LogQueueFailed(log, e);
        }
    }

    async Task WarnAsync(DelayedEntry entry, CancellationToken stop)
    {
        var givesUpAt = entry.ReceivedAt + options.GiveUpAfter;
        if (givesUpAt <= options.Clock.GetUtcNow())
        {
            return; // the next attempt is the last one, and its report says more
        }

        try
        {
            var report = await ReportAsync(entry, givesUpAt, stop);
            if (await queue.WarnAsync(entry, report, stop) && report is not null)
            {
                LogWarned(log, entry.Id, entry.Domain, report.Id);
            }
        }
        catch (Exception e) when (e is not QueueStoreException && !stop.IsCancellationRequested)
        {
            LogNoReport(log, e, entry.Id, entry.Domain);
        }
    }

    /// <summary>Null when nobody wants to know.</summary>
    async ValueTask<StoredMessage?> ReportAsync(DelayedEntry entry, DateTimeOffset givesUpAt, CancellationToken stop)
    {
        ImmutableArray<ReportedRecipient> recipients =
            [.. entry.Pending.Recipients.Zip(entry.Failures)
                .Where(pair => NotifyRule.AllowsDelay(pair.First))
                .Select(pair => Reported(pair.First, entry.Domain, pair.Second))];
        if (entry.Pending.ReturnPath is null || recipients.IsEmpty)
        {
            return null;
        }

        return await reports.WriteAsync(
            new ReportedMessage(entry.Id, entry.Pending, entry.ReceivedAt, entry.Size, givesUpAt),
            ReportAction.Delayed,
            recipients,
            cancel => queue.OpenContentAsync(entry.Id, cancel),
            stop);
    }

    ReportedRecipient Reported(Recipient recipient, string domain, LastFailure? failure)
    {
        if (failure is null)
        {
            return options.FailureOf(domain) is { } failing
                ? Reported(recipient, ReplyVerdict.OfSuspension(domain, failing))
                : new ReportedRecipient(recipient, s_congestion, "it has not been tried yet: other mail goes first");
        }

        var isStatus = EnhancedStatus.TryParsePrefix(failure.Status, out var status, out _);
        return new ReportedRecipient(
            recipient,
            isStatus ? status with { Class = 4 } : new EnhancedStatus(4, 0, 0),
            failure.Reason,
            failure.Remote is { } host ? new RemoteWord(host, null) : null,
            failure.Security);
    }

    static ReportedRecipient Reported(Recipient recipient, RecipientOutcome.Deferred failure) =>
        new(recipient, failure.Status, failure.Reason, failure.Remote, failure.Security?.ToString());

    [LoggerMessage(1235, LogLevel.Information, "The sender of message {Id} for {Domain} is told by {Report} that it waits")]
    static partial void LogWarned(ILogger log, QueueId id, string domain, QueueId report);

    [LoggerMessage(
        1236,
        LogLevel.Error,
        "The report on the delay of message {Id} for {Domain} could not be written; it is tried again")]
    static partial void LogNoReport(ILogger log, Exception e, QueueId id, string domain);

    [LoggerMessage(1237, LogLevel.Error, "The queue cannot be searched for delayed mail; the next look is in a minute")]
    static partial void LogQueueFailed(ILogger log, Exception e);
}

/// <summary>When senders are told that their mail waits.</summary>
public sealed record DelayWatchOptions
{
    /// <summary>Since the message came in.</summary>
    public required TimeSpan WarnAfter { get; init; }

    /// <summary>The same as the queue's: what is about to be given up is not warned of.</summary>
    public required TimeSpan GiveUpAfter { get; init; }

    /// <summary>Why mail for a domain is not tried at this moment, null when it is: for messages that were never tried
    /// themselves.</summary>
    public Func<string, RecipientOutcome.Deferred?> FailureOf { get; init; } = static _ => null;

    public TimeProvider Clock { get; init; } = TimeProvider.System;
}
