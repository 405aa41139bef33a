using System.Collections.Immutable;
using System.Globalization;
using Hopseal.Audit.Facts;

namespace Hopseal.Monitor.Changes;

/// <summary>Whether a change is for the better. Most are neither.</summary>
public enum Turn
{
    Neutral,
    Better,
    Worse,
}

/// <param name="Text">One line for people. It may quote peers: whoever shows it escapes it.</param>
public sealed record DomainChange(Turn Turn, string Text);

/// <summary>What changed between two observations of a domain, in words. Pure. What is not known of both is left out.</summary>
public static class DomainDifference
{
    /// <summary>The domain first, then its hosts; what is the same at several addresses of a host is said once.</summary>
    public static ImmutableArray<DomainChange> Between(AuditFacts before, AuditFacts after)
    {
        ArgumentNullException.ThrowIfNull(before);
        ArgumentNullException.ThrowIfNull(after);
        return
        [
            .. before.Domain is { } then && after.Domain is { } now ? OfDomain(then, now) : [],
            .. after.Hosts.SelectMany(host => before.Hosts.FirstOrDefault(other => other.Name == host.Name) is { } old ? HostDifference.Between(old, host) : []),
        ];
    }

    static IEnumerable<DomainChange> OfDomain(DomainFacts then, DomainFacts now) =>
    [
        .. then.Mx.State is MxState.NotKnown || now.Mx.State is MxState.NotKnown ? [] : Exchangers(then.Mx, now.Mx),
        .. then.Sts.RecordKnown && now.Sts.RecordKnown ? Sts(then.Sts, now.Sts) : [],
        .. then.TlsRpt.Known && now.TlsRpt.Known ? Reports(then.TlsRpt, now.TlsRpt) : [],
    ];

    static IEnumerable<DomainChange> Exchangers(MxFacts then, MxFacts now)
    {
        if (then.State != now.State)
        {
            yield return new DomainChange(TakesMail(then) == TakesMail(now) ? Turn.Neutral : TakesMail(now) ? Turn.Better : Turn.Worse, $"mail: {Words(then.State)} → {Words(now.State)}");
        }

        var before = then.Exchangers.Select(exchanger => exchanger.Name ?? exchanger.Invalid ?? ".").ToHashSet(StringComparer.Ordinal);
        var after = now.Exchangers.Select(exchanger => exchanger.Name ?? exchanger.Invalid ?? ".").ToHashSet(StringComparer.Ordinal);
        foreach (var name in after.Except(before).Order(StringComparer.Ordinal))
        {
            yield return new DomainChange(Turn.Neutral, $"{name} takes its mail now");
        }

        foreach (var name in before.Except(after).Order(StringComparer.Ordinal))
        {
            yield return new DomainChange(Turn.Neutral, $"{name} no longer takes its mail");
        }

        foreach (var exchanger in now.Exchangers)
        {
            if (then.Exchangers.FirstOrDefault(other => other.Name == exchanger.Name && exchanger.Name is not null) is { } old && old.Preference != exchanger.Preference)
            {
                yield return new DomainChange(Turn.Neutral, string.Create(CultureInfo.InvariantCulture, $"{exchanger.Name}: preference {old.Preference} → {exchanger.Preference}"));
            }
        }

        if (then.Signed != now.Signed && TakesMail(then) && TakesMail(now))
        {
            yield return now.Signed ? new DomainChange(Turn.Better, "MX records are signed by DNSSEC now") : new DomainChange(Turn.Worse, "MX records are no longer signed by DNSSEC");
        }
    }

    static bool TakesMail(MxFacts mx) => mx.State is MxState.Found or MxState.Implicit;

    static string Words(MxState state) => state switch
    {
        MxState.Found => "MX records",
        MxState.Implicit => "no MX record, its own address",
        MxState.Null => "takes none",
        MxState.NoSuchDomain => "no such domain",
        MxState.Unroutable => "MX records that name no host",
        MxState.NotKnown => "not known",
    };

    static IEnumerable<DomainChange> Sts(StsFacts then, StsFacts now)
    {
        if (then.Record is null != now.Record is null)
        {
            yield return now.Record is not null ? new DomainChange(Turn.Better, "an MTA-STS policy is announced")
                : new DomainChange(Turn.Worse, now.RecordProblem is { } why ? $"the MTA-STS record cannot be used any more: {why}" : "the MTA-STS record is gone");
        }
        else if (then.Record != now.Record)
        {
            yield return new DomainChange(Turn.Neutral, $"MTA-STS policy: id {then.Record} → {now.Record}");
        }
        else if (now.Record is null && then.RecordProblem != now.RecordProblem)
        {
            yield return new DomainChange(Turn.Neutral, $"MTA-STS record: {now.RecordProblem ?? "none"}, before: {then.RecordProblem ?? "none"}");
        }

        if (then.FetchProblem is null && now.FetchProblem is { } problem)
        {
            yield return new DomainChange(Turn.Worse, $"the MTA-STS policy cannot be fetched: {problem}");
        }
        else if (then.FetchProblem is { } old && now.FetchProblem is { } other && old != other)
        {
            yield return new DomainChange(Turn.Neutral, $"the MTA-STS policy cannot be fetched for another reason: {other}");
        }
        else if (then.FetchProblem is not null && now.Policy is not null)
        {
            yield return new DomainChange(Turn.Better, "the MTA-STS policy can be fetched again");
        }

        foreach (var change in then.Policy is { } policy && now.Policy is { } current ? Policies(policy, current) : [])
        {
            yield return change;
        }

        if (then.HostCertificateUntil is { } ended && now.HostCertificateUntil is { } ends && Seen.Day(ended) != Seen.Day(ends))
        {
            yield return new DomainChange(ends < ended ? Turn.Neutral : Turn.Better, $"the certificate of the MTA-STS policy host: until {Seen.Day(ended)} → {Seen.Day(ends)}");
        }
    }

    static IEnumerable<DomainChange> Policies(StsPolicyFacts then, StsPolicyFacts now)
    {
        if (then.Mode != now.Mode)
        {
            yield return new DomainChange(StsRules.Strictness(now.Mode) > StsRules.Strictness(then.Mode) ? Turn.Better : Turn.Worse, $"MTA-STS policy: mode {then.Mode} → {now.Mode}");
        }

        if (then.MaxAgeSeconds != now.MaxAgeSeconds)
        {
            yield return new DomainChange(
                now.MaxAgeSeconds > then.MaxAgeSeconds ? Turn.Better : Turn.Worse,
                $"MTA-STS policy: remembered for {StsRules.Lasts(then.MaxAgeSeconds)} → {StsRules.Lasts(now.MaxAgeSeconds)}");
        }

        foreach (var change in Lists("MTA-STS policy: hosts", then.Mx, now.Mx))
        {
            yield return change;
        }
    }

    static IEnumerable<DomainChange> Reports(TlsRptFacts then, TlsRptFacts now) => (then.Record, now.Record) switch
    {
        (null, { } record) => [new DomainChange(Turn.Better, $"TLS reports are asked for: {record}")],
        ({ } record, null) => [new DomainChange(Turn.Worse, $"TLS reports are no longer asked for; before: {record}")],
        ({ } old, { } record) when old != record => [new DomainChange(Turn.Neutral, $"TLS reports: {old} → {record}")],
        _ => Lists("places for TLS reports that cannot be used", then.Ignored, now.Ignored),
    };

    /// <summary>What came and what went.</summary>
    internal static IEnumerable<DomainChange> Lists(string what, IEnumerable<string> then, IEnumerable<string> now)
    {
        string[] came = [.. now.Except(then).Order(StringComparer.Ordinal)];
        string[] went = [.. then.Except(now).Order(StringComparer.Ordinal)];
        if (came.Length + went.Length > 0)
        {
            string[] parts = [came.Length > 0 ? $"{Seen.Some(came)} added" : "", went.Length > 0 ? $"{Seen.Some(went)} removed" : ""];
            yield return new DomainChange(Turn.Neutral, $"{what}: {string.Join("; ", parts.Where(part => part.Length > 0))}");
        }
    }
}
