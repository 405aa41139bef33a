using System.Collections.Immutable;
using Hopseal.Audit.Facts;
using Hopseal.Reports.Alerts;

namespace Hopseal.Monitor.Changes;

/// <summary>What is wrong with a domain that is watched, or was changed in a way that somebody should know of. Pure.</summary>
/// <remarks>
/// <para>What was better in the reference is told more severely than what never was better, and what is ours more severely than what is a
/// partner's. What cannot be known is <see cref="Trouble.Unknown"/>: it neither opens nor ends an alert.</para>
/// <para>One cause is told once: a host without STARTTLS has no trouble with its certificate, an expired certificate none with its policy.</para>
/// </remarks>
public static class MonitorRules
{
    /// <summary>Of one domain, not of looking.</summary>
    static readonly ImmutableArray<string> s_rules = [.. AlertRules.All.Where(rule => rule.StartsWith("monitor.", StringComparison.Ordinal) && rule != AlertRules.MonitorStale)];

    /// <returns>For each trouble the id of its rule (see <see cref="AlertRules"/>).</returns>
    public static IEnumerable<(string Rule, Trouble Trouble)> Of(DomainHistory history, DateTimeOffset now)
    {
        ArgumentNullException.ThrowIfNull(history);
        var told = Comparison.Of(history) is { } comparison ? All(comparison, now)

            // What was known cannot be read: that ends no alert.
            : history.Reference is not null ? Nothing(history) : [];
        return told.Select(one => (one.Rule, one.Trouble));
    }

    /// <summary>What the current observation lacks that the reference had. While it is empty, the current one can be the reference: also where there was
    /// none. What cannot be known of what the reference had is among it, as <see cref="Trouble.IsUnknown"/>.</summary>
    public static ImmutableArray<(string Rule, Trouble Trouble)> Losses(DomainHistory history)
    {
        ArgumentNullException.ThrowIfNull(history);
        return Comparison.Of(history) is { Then: not null, Current: var current } comparison
            ? [.. All(comparison, current.LastSeenAt).Where(told => told.Of is ToldOf.Loss).Select(told => (told.Rule, told.Trouble))]
            : [];
    }

    /// <summary>What would be wrong with a domain if it were like this, as far as that can be known.</summary>
    /// <returns>Rule and subject of each.</returns>
    public static IEnumerable<(string Rule, string Subject)> If(DomainHistory history, AuditFacts facts)
    {
        ArgumentNullException.ThrowIfNull(history);
        ArgumentNullException.ThrowIfNull(facts);
        var then = history with { Recent = history.Recent.Add(new Observation(long.MaxValue, facts, facts.At, facts.At)) };
        return Of(then, facts.At).Where(told => !told.Trouble.IsUnknown).Select(told => (told.Rule, told.Trouble.Subject));
    }

    static IEnumerable<Told> All(Comparison comparison, DateTimeOffset now) => comparison.Now.Domain is not { Mx.State: not MxState.NotKnown } ? Nothing(comparison.History) :
    [
        .. StartTlsRules.Of(comparison),
        .. DaneRules.Of(comparison, now),
        .. StsRules.Of(comparison, now),
        .. CertificateRules.Of(comparison, now),
        .. StrengthRules.Of(comparison),
        .. ExchangerRules.Of(comparison, now),
        .. ReportRules.Of(comparison, now),
    ];

    /// <summary>Without knowing where its mail goes, nothing of it is known.</summary>
    static IEnumerable<Told> Nothing(DomainHistory history)
    {
        var had = history.Reference?.Facts.Domain is { Mx.State: not MxState.NotKnown };
        string[] subjects =
        [
            history.Domain.Name.Ascii,
            .. history.Recent.Append(history.Reference).OfType<Observation>().SelectMany(seen => seen.Facts.Hosts).Select(host => host.Name).OfType<string>()
        ];
        return subjects.Distinct().SelectMany(subject => s_rules.Select(rule => Comparison.Unknown(rule, subject, had)));
    }
}
