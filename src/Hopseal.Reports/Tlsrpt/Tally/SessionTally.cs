using System.Collections.Immutable;
using Hopseal.Dns;
using Hopseal.Policy;
using Hopseal.Relay;

namespace Hopseal.Reports.Tlsrpt.Tally;

/// <summary>How much is kept in memory. What does not fit is not reported, and counted as missed.</summary>
public sealed record TallyLimits
{
    /// <summary>Days that are not taken yet; sessions of older ones are missed then.</summary>
    public int Days { get; init; } = 4;

    /// <summary>In one day.</summary>
    public int Domains { get; init; } = 20_000;

    /// <summary>Of one domain in one day: policies change, and hosts have different TLSA records.</summary>
    public int Policies { get; init; } = 20;

    /// <summary>Of one policy in one day. Sessions that fail in yet another way are counted, without the detail.</summary>
    public int Failures { get; init; } = 200;
}

/// <summary>What is to be reported to one policy domain about one day.</summary>
/// <param name="Domain">Its <c>_smtp._tls</c> record says where to.</param>
public sealed record DomainTally(DomainName Domain, ImmutableArray<PolicyResult> Results);

/// <summary>Adds up outbound sessions for reports: by UTC day, policy domain and policy (RFC 8460 §4). Counts are sessions, not messages: a
/// host that failed and the next one that did not are one failure and one success.</summary>
/// <remarks>May be called from several threads.</remarks>
public sealed class SessionTally(TallyLimits limits)
{
    readonly Lock _lock = new();
    readonly SortedDictionary<DateOnly, Dictionary<DomainName, Dictionary<AppliedPolicy, Counts>>> _days = [];
    long _missed;

    /// <summary>Results for which there was no room.</summary>
    public long Missed => Interlocked.Read(ref _missed);

    /// <summary>Those with something to report, in order.</summary>
    public ImmutableArray<DateOnly> Days
    {
        get
        {
            lock (_lock)
            {
                return [.. _days.Keys];
            }
        }
    }

    /// <summary>Adds a session that has ended, on the day it began.</summary>
    /// <param name="carriesReports">Sessions that deliver reports are not reported (RFC 8460 §3): two servers would else report to each other
    /// for ever.</param>
    public void Add(SessionRecord.Outbound session, bool carriesReports)
    {
        ArgumentNullException.ThrowIfNull(session);
        if (!carriesReports)
        {
            Add(session.StartedAt, SessionResult.Of(session));
        }
    }

    /// <summary>Adds the hosts that an attempt did not try because of what is published for them. Its sessions are added by
    /// themselves.</summary>
    public void Add(DeliveryAttempt attempt, bool carriesReports)
    {
        ArgumentNullException.ThrowIfNull(attempt);
        var excluded = attempt.Plan switch
        {
            DeliveryPlan.Relay relay => relay.Excluded,
            DeliveryPlan.Defer defer => defer.Excluded,
            DeliveryPlan.Keep or DeliveryPlan.Bounce => [],
            _ => throw new ArgumentException($"unknown plan {attempt.Plan}", nameof(attempt)),
        };
        if (!carriesReports)
        {
            Add(attempt.StartedAt, excluded.SelectMany(host => SessionResult.Of(host, attempt.Lease.Domain)));
        }
    }

    /// <summary>What is to be reported about a day, by domain in the order of names; it is forgotten here.</summary>
    public ImmutableArray<DomainTally> Take(DateOnly day)
    {
        lock (_lock)
        {
            return !_days.Remove(day, out var domains) ? [] :
            [
                .. domains.OrderBy(domain => domain.Key.Ascii, StringComparer.Ordinal)
                    .Select(domain => new DomainTally(domain.Key, [.. domain.Value.Select(policy => policy.Value.Of(policy.Key))])),
            ];
        }
    }

    void Add(DateTimeOffset at, IEnumerable<SessionResult> results)
    {
        var day = DateOnly.FromDateTime(at.UtcDateTime);
        lock (_lock)
        {
            foreach (var result in results)
            {
                if (RoomFor(day, result.Policy) is { } counts)
                {
                    counts.Add(result, limits.Failures);
                }
                else
                {
                    Interlocked.Increment(ref _missed);
                }
            }
        }
    }

    Counts? RoomFor(DateOnly day, AppliedPolicy policy) =>
        Enter(_days, day, limits.Days) is { } domains
        && Enter(domains, policy.Domain, limits.Domains) is { } policies
            ? Enter(policies, policy, limits.Policies)
            : null;

    static TValue? Enter<TKey, TValue>(IDictionary<TKey, TValue> entries, TKey key, int most)
        where TValue : class, new()
    {
        if (!entries.TryGetValue(key, out var entry) && entries.Count < most)
        {
            entries[key] = entry = new TValue();
        }

        return entry;
    }

    sealed class Counts
    {
        readonly Dictionary<FailureDetail, long> _failures = [];
        long _successful;
        long _failed;

        public void Add(SessionResult result, int mostFailures)
        {
            _ = result.Successful ? _successful++ : _failed++;
            foreach (var failure in result.Failures)
            {
                if (_failures.TryGetValue(failure, out var sessions) || _failures.Count < mostFailures)
                {
                    _failures[failure] = sessions + 1;
                }
            }
        }

        public PolicyResult Of(AppliedPolicy policy) => new()
        {
            Kind = ReportNames.Of(policy.Kind),
            Domain = policy.Domain.Ascii,
            PolicyText = policy.Text,
            MxHosts = policy.MxHosts,
            Successful = _successful,
            Failed = _failed,
            Failures = [.. _failures.OrderByDescending(failure => failure.Value).Select(failure => failure.Key with { Sessions = failure.Value })],
        };
    }
}
