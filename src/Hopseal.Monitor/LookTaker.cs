using System.Collections.Immutable;
using Hopseal.Audit.Checks;
using Hopseal.Audit.Facts;
using Hopseal.Audit.Findings;
using Hopseal.Audit.Profiles;
using Hopseal.Monitor.Changes;
using Hopseal.Monitor.Looks;
using Hopseal.Monitor.Store;
using Hopseal.Relay;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging;

namespace Hopseal.Monitor;

/// <summary>Takes one look at a domain, compares it with what is known, and writes down what came of it.</summary>
sealed partial class LookTaker(
    MonitorStore store,
    MonitorQuery query,
    Func<WatchedDomain, CancellationToken, Task<AuditFacts>> look,
    Profile profile,
    MonitorOptions options,
    TimeProvider clock,
    Func<double> random,
    ILogger log)
{
    /// <summary>A look takes at least this part of the interval to come again.</summary>
    const double LeastShare = 0.75;

    /// <summary>Never throws: what fails is told in the log, and the next look has its time.</summary>
    public async Task<LookReport> TakeAsync(WatchedDomain domain, CancellationToken stop)
    {
        try
        {
            var known = query.FindWithPending(domain.Name.Ascii);
            var (seen, why) = await SeeAsync(domain, stop);
            if (seen is not null)
            {
                try
                {
                    return await CompareAsync(domain, seen, known?.History, known?.Pending, stop);
                }
                catch (InvalidDataException e)
                {
                    // More than anybody needs to be known by.
                    why = e.Message;
                }
            }

            return await WriteNothingAsync(domain, known?.History.Looks, why!, known?.History.Looks.Unanswered ?? [], stop);
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            return Inconclusive(domain, "the gateway stops");
        }
#pragma warning disable CA1031 // One domain, or a defect of ours, must not end the looks at all others.
        catch (Exception e)
#pragma warning restore CA1031
        {
            LogFailed(log, e, domain.Name.Ascii);
            return Inconclusive(domain, e is SqliteException ? "what it found cannot be written" : "a fault of ours; see the log");
        }
    }

    /// <summary>From 75 to 100 % of the interval, so that domains do not come to be looked at together.</summary>
    internal DateTimeOffset Later() => clock.GetUtcNow() + (options.Interval * (LeastShare + ((1 - LeastShare) * random())));

    LookReport Inconclusive(WatchedDomain domain, string why) => new(domain, LookResult.Inconclusive, why, Later());

    async Task<(AuditFacts? Facts, string? Why)> SeeAsync(WatchedDomain domain, CancellationToken stop)
    {
        using var time = new CancellationTokenSource(options.Longest, clock);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(time.Token, stop);
        try
        {
            return (await look(domain, limit.Token), null);
        }
        catch (OperationCanceledException) when (!stop.IsCancellationRequested)
        {
            // This look's time, or that of the one which asks a host for several domains.
            return (null, $"its servers took longer than {options.Longest.TotalMinutes:0} minutes");
        }
    }

    async Task<LookReport> WriteNothingAsync(WatchedDomain domain, LookState? before, string why, ImmutableArray<UnansweredPart> unanswered, CancellationToken stop)
    {
        var looks = new LookState(clock.GetUtcNow(), Later(), (before?.Inconclusive ?? 0) + 1, why) { Unanswered = unanswered };
        await store.WriteAsync(domain, looks, stop);
        LogInconclusive(log, domain.Name.Ascii, looks.Inconclusive, why);
        return new LookReport(domain, LookResult.Inconclusive, why, looks.NextAt);
    }

    async Task<LookReport> CompareAsync(WatchedDomain domain, AuditFacts seen, DomainHistory? history, PendingLook? pending, CancellationToken stop)
    {
        var (outcome, unanswered) = LookOutcome.Of(
            seen, history?.Current?.Facts, pending, history?.Looks.Unanswered ?? [], domain.As,
            facts => history is null ? [] : MonitorRules.If(history, facts));
        if (outcome is LookOutcome.Nothing { Why: var why })
        {
            return await WriteNothingAsync(domain, history?.Looks, why, unanswered, stop);
        }

        var silence = LookOutcome.Silence(seen);
        var next = outcome is LookOutcome.Pending { Soon: true } ? clock.GetUtcNow() + options.Confirm : Later();
        var looks = new LookState(clock.GetUtcNow(), next, silence is null ? 0 : (history?.Looks.Inconclusive ?? 0) + 1, silence) { Unanswered = unanswered };
        switch (outcome)
        {
            case LookOutcome.Same { Facts: var facts }:
                await store.WriteAsync(domain, looks, history!.Current!.Id, Judge.Of(facts, profile), StandingOf(history), stop);
                break;
            case LookOutcome.Pending { Look: var waiting }:
                await store.WriteAsync(domain, looks, waiting, stop);
                LogPending(log, domain.Name.Ascii, waiting.Rounds, looks.NextAt);
                break;
            case LookOutcome.Confirmed { Facts: var facts, Since: var since }:
                var report = Judge.Of(facts, profile);
                var standing = history is null ? Standing.AsExpected : StandingOf(With(history, facts, since));
                await store.WriteAsync(domain, looks, since, report, standing, stop);
                var (confidential, authenticated, watched) = (report.Confidential, report.Authenticated, report.Watched);
                if (history?.Current is null)
                {
                    LogFirst(log, domain.Name.Ascii, confidential, authenticated, watched);
                }
                else
                {
                    LogChanged(log, domain.Name.Ascii, since, confidential, authenticated, watched, standing);
                }

                break;
            default:
                throw new InvalidOperationException($"unknown outcome {outcome}");
        }

        return new LookReport(domain, Result(outcome, silence), silence, next);
    }

    static LookResult Result(LookOutcome outcome, string? silence) => outcome switch
    {
        LookOutcome.Pending => LookResult.Pending,
        LookOutcome.Confirmed => LookResult.Changed,
        _ => silence is null ? LookResult.Unchanged : LookResult.Inconclusive,
    };

    static Standing StandingOf(DomainHistory history) => MonitorRules.Losses(history) switch
    {
        [] => Standing.AsExpected,
        var losses => losses.Any(loss => !loss.Trouble.IsUnknown) ? Standing.Lost : Standing.NotKnown,
    };

    /// <summary>As it will be: rules compare what is now with what was.</summary>
    static DomainHistory With(DomainHistory history, AuditFacts facts, DateTimeOffset since) =>
        history with { Recent = history.Recent.Add(new Observation(long.MaxValue, facts, since, facts.At)) };

    [LoggerMessage(EventId = 3404, Level = LogLevel.Error, Message = "{Domain} could not be looked at, or what was seen not written; the next look has its time")]
    static partial void LogFailed(ILogger log, Exception e, string domain);

    [LoggerMessage(EventId = 3405, Level = LogLevel.Information, Message = "{Domain}: nothing could be found out, {Times} times in a row: {Why}")]
    static partial void LogInconclusive(ILogger log, string domain, int times, string why);

    [LoggerMessage(EventId = 3406, Level = LogLevel.Information, Message = "{Domain} does not look as before, seen {Rounds} times; the next look at {NextAt} has to confirm it")]
    static partial void LogPending(ILogger log, string domain, int rounds, LogTime nextAt);

    [LoggerMessage(EventId = 3407, Level = LogLevel.Information, Message = "{Domain} looks different since {Since}: confidential {Confidential}, authenticated {Authenticated}, watched {Watched}; against what is expected: {Standing}")]
    static partial void LogChanged(ILogger log, string domain, LogTime since, Verdict confidential, Verdict authenticated, Verdict watched, Standing standing);

    [LoggerMessage(EventId = 3408, Level = LogLevel.Information, Message = "{Domain} was looked at for the first time: confidential {Confidential}, authenticated {Authenticated}, watched {Watched}")]
    static partial void LogFirst(ILogger log, string domain, Verdict confidential, Verdict authenticated, Verdict watched);
}
