using System.Collections.Immutable;
using Hopseal.Audit.Facts;
using Hopseal.Audit.Profiles;
using Hopseal.Monitor.Store;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging;

namespace Hopseal.Monitor;

/// <summary>Looks at every domain again and again, for as long as it runs. Whatever a look comes to, the next one has its time.</summary>
/// <param name="look">Asks a domain from outside. May take its time; bounded by <see cref="MonitorOptions.Longest"/>.</param>
/// <param name="anew">Called before a look that somebody asked for: what was found out a moment ago for another domain does not count.</param>
/// <param name="random">From 0 to 1.</param>
public sealed partial class DomainMonitor(
    MonitorStore store,
    MonitorQuery query,
    Func<WatchedDomain, CancellationToken, Task<AuditFacts>> look,
    Action anew,
    Profile profile,
    MonitorOptions options,
    TimeProvider clock,
    Func<double> random,
    ILogger<DomainMonitor> log)
{
    readonly LookSchedule _schedule = new();
    readonly LookTaker _taker = new(store, query, look, profile, options, clock, random, log);
    readonly List<Task> _running = [];
    int _brisk;
    int _slow;

    /// <summary>Those that are watched.</summary>
    public ImmutableArray<WatchedDomain> Domains { get; private set; } = [];

    /// <summary>Until it is stopped. What cannot be written is told in the log, and tried again with the next look.</summary>
    /// <param name="domains">Those that are watched from now on.</param>
    public async Task RunAsync(ImmutableArray<WatchedDomain> domains, CancellationToken stop)
    {
        try
        {
            Domains = domains;
            await BeginAsync(domains, stop);
            while (true)
            {
                StartDue(stop);
                await _schedule.WaitAsync(HasRoom, clock, stop);
            }
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            await Task.WhenAll(Running());
        }
    }

    /// <summary>Looks at once, or waits for the look that is under way; null when the domain is not watched.</summary>
    public async Task<LookReport?> LookNowAsync(string domain, CancellationToken cancel)
    {
        anew();
        return _schedule.Hurry(domain, clock.GetUtcNow()) is { } report ? await report.WaitAsync(cancel) : null;
    }

    /// <summary>Makes every domain due now; they are looked at in turn.</summary>
    /// <returns>How many.</returns>
    public int LookAtAll()
    {
        anew();
        foreach (var domain in Domains)
        {
            _schedule.Hurry(domain.Name.Ascii, clock.GetUtcNow());
        }

        return Domains.Length;
    }

    /// <summary>What a domain looks like now is what is expected of it from now on.</summary>
    /// <returns>False when it is not watched, or nothing is known of it.</returns>
    /// <exception cref="SqliteException">It cannot be written.</exception>
    public async Task<bool> AcceptAsync(string domain, string who, CancellationToken cancel)
    {
        if (Domains.FirstOrDefault(watched => watched.Name.Ascii == domain) is not { } found || !await store.AcceptAsync(found, cancel))
        {
            return false;
        }

        LogAccepted(log, domain, who);
        return true;
    }

    bool HasRoom => Volatile.Read(ref _brisk) < options.Parallel;

    /// <summary>New domains one after the other, and so those that became due while nobody looked.</summary>
    async Task BeginAsync(ImmutableArray<WatchedDomain> domains, CancellationToken stop)
    {
        var now = clock.GetUtcNow();
        var due = new Dictionary<string, DateTimeOffset>();
        try
        {
            await store.SyncAsync(domains, InTurn, stop);
            due = query.Due().ToDictionary(one => one.Name, one => one.NextAt);
        }
        catch (SqliteException e)
        {
            LogNotBegun(log, e);
        }

        var late = 0;
        foreach (var (domain, place) in domains.Select((domain, place) => (domain, place)))
        {
            var next = due.TryGetValue(domain.Name.Ascii, out var kept) ? kept : InTurn(place);

            // A clock that was set back must not keep anybody waiting.
            _schedule.Add(domain, next <= now ? InTurn(late++) : next > now + options.Interval ? now + options.Interval : next);
        }

        var own = domains.Count(domain => domain.As is WatchedAs.Own);
        var partners = domains.Length - own;
        if (domains.Length > 0)
        {
            LogBegun(log, own, partners, options.Interval.TotalHours);
        }

        DateTimeOffset InTurn(int place) => now + (options.Spread * place < options.Interval ? options.Spread * place : options.Interval * random());
    }

    void StartDue(CancellationToken stop)
    {
        while (HasRoom && _schedule.TakeDue(clock.GetUtcNow()) is { } domain)
        {
            Interlocked.Increment(ref _brisk);
            lock (_running)
            {
                _running.RemoveAll(task => task.IsCompleted);
                _running.Add(Task.Run(() => TakeAsync(domain, stop), CancellationToken.None));
            }
        }
    }

    Task[] Running()
    {
        lock (_running)
        {
            return [.. _running];
        }
    }

    /// <summary>Never throws.</summary>
    async Task TakeAsync(WatchedDomain domain, CancellationToken stop)
    {
        var taking = _taker.TakeAsync(domain, stop);
        var isSlow = false;
        using (var ended = CancellationTokenSource.CreateLinkedTokenSource(stop))
        {
            await Task.WhenAny(taking, Task.Delay(options.Brisk, clock, ended.Token));
            await ended.CancelAsync();
        }

        if (!taking.IsCompleted)
        {
            isSlow = Interlocked.Increment(ref _slow) <= options.MostSlow;
            Interlocked.Decrement(ref isSlow ? ref _brisk : ref _slow);
            _schedule.Wake();
        }

        var report = await taking;
        Interlocked.Decrement(ref isSlow ? ref _slow : ref _brisk);
        _schedule.Done(report);
    }

    [LoggerMessage(EventId = 3401, Level = LogLevel.Information, Message = "{Own} domains of ours and {Partners} of partners are watched, each every {Hours} hours or sooner")]
    static partial void LogBegun(ILogger log, int own, int partners, double hours);

    [LoggerMessage(EventId = 3402, Level = LogLevel.Error, Message = "What is known of the domains that are watched cannot be read or written; looking goes on")]
    static partial void LogNotBegun(ILogger log, Exception e);

    [LoggerMessage(EventId = 3403, Level = LogLevel.Information, Message = "{Domain}: what it looks like now was accepted by {Who}")]
    static partial void LogAccepted(ILogger log, string domain, string who);
}
