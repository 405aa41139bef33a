using System.Collections.Concurrent;
using System.Collections.Immutable;
using Hopseal.Dns;
using Hopseal.Policy.TlsRpt;
using Hopseal.Relay;
using Hopseal.Relay.Queue;
using Hopseal.Reports.Store;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging;

namespace Hopseal.Reports.Tlsrpt.Sending;

/// <summary>Reports to other domains how TLS with their mail servers went (RFC 8460): makes a report for each when its time after the day has come, and
/// brings it to the domain's targets.</summary>
public sealed partial class ReportSender : IDisposable
{
    const int MostDomains = 2_000;
    const int MostTargets = 500;
    const int AtOnce = 8;
    const int MostDeleted = 500;

    readonly RecordsDatabase _database;
    readonly ReportTally _tally;
    readonly OwnReportMail _own;
    readonly SendingOptions _options;
    readonly TimeProvider _clock;
    readonly ILogger _log;
    readonly ReportMaker _maker;
    readonly ReportDelivery _delivery;
    readonly SemaphoreSlim _one = new(1);

    /// <summary>Domains whose record could not be looked up: how often, and when it is tried again. Lost with the process, which asks at once then.</summary>
    readonly ConcurrentDictionary<(DateOnly, string), (int Tries, DateTimeOffset DueAt)> _unknown = new();

    public ReportSender(
        RecordsDatabase database,
        ReportTally tally,
        OwnReportMail own,
        IDnsResolver resolver,
        ReportPost post,
        ReportQueue queue,
        SendingOptions options,
        TimeProvider clock,
        ILogger<ReportSender> log)
    {
        _database = database;
        _tally = tally;
        _own = own;
        _options = options;
        _clock = clock;
        _log = log;
        _maker = new ReportMaker(database, resolver, options, clock);
        _delivery = new ReportDelivery(database, post, queue, own, options, clock, log);
    }

    /// <summary>Between two passes.</summary>
    public static TimeSpan Interval { get; } = TimeSpan.FromMinutes(1);

    /// <summary>What was in the queue when the gateway stopped. Before the first session is recorded.</summary>
    /// <exception cref="SqliteException">The database cannot be read.</exception>
    public void Restore()
    {
        using var connection = _database.OpenReader();
        foreach (var (text, at) in connection.Read(
            "SELECT message, due_at FROM tlsrpt_targets WHERE message IS NOT NULL AND due_at > $since",
            row => (row.GetString(0), SentRows.Time(row, 1)), ("$since", SentRows.Time(_clock.GetUtcNow() - OwnReportMail.Remembered))))
        {
            if (QueueId.TryParse(text, out var message))
            {
                _own.Add(message, at);
            }
        }
    }

    /// <summary>Does what is due. A database or queue that fails now is tried again at the next pass.</summary>
    public async Task PassAsync(CancellationToken cancel)
    {
        await _one.WaitAsync(cancel);
        try
        {
            await MakeDueAsync(cancel);
            await DeliverDueAsync(cancel);
            _own.ForgetOld();
        }
        catch (Exception e) when (e is SqliteException or QueueStoreException)
        {
            LogPassFailed(_log, e);
        }
        finally
        {
            _one.Release();
        }
    }

    /// <summary>Makes and sends now what was counted, whatever the time; yields each domain with what became of it.</summary>
    /// <param name="day">Null: every day that is over. Today: as far as it went, and the rest of the day makes another report.</param>
    /// <param name="domain">Null: all.</param>
    /// <exception cref="SqliteException">Not everything was done.</exception>
    /// <exception cref="QueueStoreException">The same.</exception>
    public async Task<ImmutableArray<(UnreportedSum Counted, Made Made)>> SendNowAsync(DateOnly? day, DomainName? domain, CancellationToken cancel)
    {
        await _one.WaitAsync(cancel);
        try
        {
            var done = new ConcurrentBag<(UnreportedSum, Made)>();
            var counted = await UnreportedAsync(day, domain, cancel);
            await InParallelAsync(counted, async sum => done.Add((sum, await MakeAsync(sum.Day, sum.Domain, giveUp: false, cancel))), cancel);
            await _database.WriteAsync(connection => SentRows.MakeDue(connection, domain?.Ascii, day, _clock.GetUtcNow()), cancel);
            await DeliverDueAsync(cancel);
            return [.. done.OrderBy(one => one.Item1.Day).ThenBy(one => one.Item1.Domain, StringComparer.Ordinal)];
        }
        finally
        {
            _one.Release();
        }
    }

    /// <summary>What <see cref="SendNowAsync"/> would make, and to whom it would go.</summary>
    public async Task<ImmutableArray<UnreportedSum>> UnreportedAsync(DateOnly? day, DomainName? domain, CancellationToken cancel)
    {
        await _tally.WriteAsync(cancel);
        var today = DateOnly.FromDateTime(_clock.GetUtcNow().UtcDateTime);
        return
        [
            .. new SentReports(_database).Unreported((day ?? today.AddDays(-1)).AddDays(1))
                .Where(sum => (day is null || sum.Day == day) && (domain is null || sum.Domain == domain.Ascii)),
        ];
    }

    /// <summary>Deletes reports that are older than they are to be kept, in steps.</summary>
    public async Task DeleteOldAsync(CancellationToken cancel)
    {
        var oldest = SentRows.Time(_clock.GetUtcNow().AddDays(-_options.Days));
        try
        {
            var deleted = MostDeleted;
            while (deleted == MostDeleted)
            {
                await _database.WriteAsync(connection => deleted = SentRows.DeleteBefore(connection, oldest, MostDeleted), cancel);
            }
        }
        catch (SqliteException e)
        {
            LogPassFailed(_log, e);
        }
    }

    public void Dispose() => _one.Dispose();

    async Task MakeDueAsync(CancellationToken cancel)
    {
        var now = _clock.GetUtcNow();
        var due = new SentReports(_database).Unreported(DateOnly.FromDateTime(now.UtcDateTime)).Where(sum => IsDue(sum, now)).Take(MostDomains).ToImmutableArray();
        await InParallelAsync(
            due, sum => MakeAsync(sum.Day, sum.Domain, giveUp: now >= ReportSchedule.DueAt(sum.Day, sum.Domain, _options.Hostname, _options.Spread) + ReportSchedule.Patience, cancel), cancel);
    }

    bool IsDue(UnreportedSum sum, DateTimeOffset now) =>
        now >= ReportSchedule.DueAt(sum.Day, sum.Domain, _options.Hostname, _options.Spread)
        && (!_unknown.TryGetValue((sum.Day, sum.Domain), out var unknown) || now >= unknown.DueAt);

    async Task<Made> MakeAsync(DateOnly day, string name, bool giveUp, CancellationToken cancel)
    {
        if (!DomainName.TryParse(name, out var domain))
        {
            await _database.WriteAsync(connection => TallyRows.Delete(connection, day, name), cancel);
            return new Made.Unwanted("what is stored is no domain");
        }

        var made = await _maker.MakeAsync(day, domain, giveUp, cancel);
        if (made is Made.Unknown unknown)
        {
            var tries = _unknown.TryGetValue((day, name), out var before) ? before.Tries + 1 : 1;
            _unknown[(day, name)] = (tries, _clock.GetUtcNow() + ReportSchedule.DelayAfter(tries));
            LogUnknown(_log, name, day, unknown.Why);
            return made;
        }

        _unknown.TryRemove((day, name), out _);
        switch (made)
        {
            case Made.Report { Sent: var sent }:
                LogMade(_log, sent.Id, name, day, sent.Successful, sent.Failed, sent.State);
                break;
            case Made.Unwanted unwanted:
                LogUnwanted(_log, name, day, unwanted.Why);
                break;
        }

        return made;
    }

    async Task DeliverDueAsync(CancellationToken cancel)
    {
        if (!_options.DryRun)
        {
            // What was tried is not due any more, but for mail that an attempt is just under way for.
            await InParallelAsync(Due(), target => _delivery.TryAsync(target, cancel), cancel);
        }
    }

    ImmutableArray<DueTarget> Due()
    {
        using var connection = _database.OpenReader();
        return SentRows.Due(connection, _clock.GetUtcNow(), MostTargets);
    }

    static Task InParallelAsync<T>(ImmutableArray<T> items, Func<T, Task> act, CancellationToken cancel) => Parallel.ForEachAsync(
        items, new ParallelOptions { MaxDegreeOfParallelism = AtOnce, CancellationToken = cancel }, async (item, _) => await act(item));

    [LoggerMessage(2810, LogLevel.Information, "TLS report {Id} for {Domain} about {Day} was made: {Successful} sessions were good, {Failed} failed ({State})")]
    static partial void LogMade(ILogger log, long id, string domain, LogTime day, long successful, long failed, SentState state);

    [LoggerMessage(2811, LogLevel.Debug, "{Domain} gets no TLS report about {Day}: {Why}")]
    static partial void LogUnwanted(ILogger log, string domain, LogTime day, string why);

    [LoggerMessage(2812, LogLevel.Information, "Whether {Domain} wants a TLS report about {Day} cannot be looked up now: {Why}")]
    static partial void LogUnknown(ILogger log, string domain, LogTime day, string why);

    [LoggerMessage(2813, LogLevel.Error, "TLS reports wait, because what is known of them cannot be read or written; it is tried again in a minute")]
    static partial void LogPassFailed(ILogger log, Exception e);
}
