using System.Collections.Immutable;
using System.Globalization;
using Hopseal.Audit.Facts;
using Hopseal.Audit.Output;
using Hopseal.Policy.MtaSts;
using Hopseal.Reports.Alerts;

namespace Hopseal.Monitor.Changes;

/// <summary>MTA-STS (RFC 8461): whether senders can have the policy, whether hosts are what it promises, and how it changes.</summary>
static class StsRules
{
    static readonly Levels s_ours = new(AlertSeverity.Warning, null);
    static readonly Levels s_lost = new(AlertSeverity.Critical, AlertSeverity.Warning);

    public static IEnumerable<Told> Of(Comparison comparison, DateTimeOffset now)
    {
        if (!comparison.TakesMail || comparison.Now.Domain is not { } domain)
        {
            return [];
        }

        return !domain.Sts.RecordKnown
            ? [.. AllUnknown(comparison, [AlertRules.MonitorStsFetch, AlertRules.MonitorStsWeaker, AlertRules.MonitorStsHost, AlertRules.MonitorStsMx, AlertRules.MonitorStsId]), .. HostsUnknown(comparison)]
            :
            [
                .. Fetch(comparison, domain.Sts),
                .. Weaker(comparison, domain.Sts),
                .. PolicyHost(comparison, domain.Sts, now),
                .. domain.Sts.Policy is { } policy ? Hosts(comparison, domain, policy) : domain.Sts.Record is null ? [] : HostsUnknown(comparison).Append(Comparison.Unknown(AlertRules.MonitorStsMx, comparison.Domain, had: false)),
                .. SameId(comparison, domain.Sts, now),
            ];
    }

    /// <summary>The policy that hosts are held to.</summary>
    static StsPolicyFacts? Enforced(AuditFacts? facts) => facts?.Domain?.Sts.Policy is { Mode: "enforce" } policy ? policy : null;

    /// <summary>Whether a policy demands that the host's certificate is good, be it for reports only.</summary>
    public static bool IsHeld(Comparison comparison, string host) => comparison is { TakesMail: true, Now.Domain.Sts.Policy: { Mode: not "none" } policy } && Covers(policy, host);

    /// <summary>Whether failing the policy keeps mail away.</summary>
    public static bool IsEnforced(Comparison comparison, string host) => comparison.TakesMail && Enforced(comparison.Now) is { } policy && Covers(policy, host);

    static bool Covers(StsPolicyFacts policy, string host) => policy.Mx.Any(pattern => StsPolicy.Covers(pattern, host));

    static IEnumerable<Told> AllUnknown(Comparison comparison, ImmutableArray<string> rules) =>
        rules.Select(rule => Comparison.Unknown(rule, comparison.Domain, had: rule is AlertRules.MonitorStsWeaker && comparison.Then?.Domain?.Sts.Record is not null));

    static IEnumerable<Told> HostsUnknown(Comparison comparison) => comparison.Hosts.Select(host => Comparison.Unknown(AlertRules.MonitorStsCertificate, host.Name, had: false));

    static IEnumerable<Told> Fetch(Comparison comparison, StsFacts sts) => sts is { Record: not null, Policy: null }
        ? comparison.Tell(
            new Fault(
                AlertRules.MonitorStsFetch, comparison.Domain, Enforced(comparison.Then) is null ? Levels.Warning : s_lost, s_ours,
                $"The MTA-STS policy of {comparison.Domain} cannot be fetched: {sts.FetchProblem ?? "no reason given"}",
                $"https://mta-sts.{comparison.Domain}/.well-known/mta-sts.txt has to answer. Senders that have the policy go by it until it runs out; others go without."),
            isNew: comparison.Then?.Domain?.Sts is not { Record: not null, Policy: null })
        : [];

    static IEnumerable<Told> Weaker(Comparison comparison, StsFacts sts)
    {
        if (comparison.Then?.Domain?.Sts is not { Record: not null, Policy: { } then } || then.Mode == "none")
        {
            return [];
        }

        var text = sts switch
        {
            { Record: null, RecordProblem: { } problem } => $"The MTA-STS record of {comparison.Domain} cannot be used any more: {problem}",
            { Record: null } => $"The MTA-STS record of {comparison.Domain} is gone; its policy was {then.Mode}",
            { Policy: { } policy } when Strictness(policy.Mode) < Strictness(then.Mode) => $"The MTA-STS policy of {comparison.Domain} went from {then.Mode} to {policy.Mode}",
            _ => null,
        };
        if (text is not null)
        {
            return Tell(Levels.Warning, text);
        }

        return sts.Policy switch
        {
            null => [Comparison.Unknown(AlertRules.MonitorStsWeaker, comparison.Domain, had: true)],
            { MaxAgeSeconds: var seconds } when seconds < then.MaxAgeSeconds => Tell(
                new Levels(AlertSeverity.Warning, AlertSeverity.Info),
                string.Create(CultureInfo.InvariantCulture, $"The MTA-STS policy of {comparison.Domain} is remembered for {Lasts(seconds)} only; it was {Lasts(then.MaxAgeSeconds)}")),
            _ => [],
        };

        IEnumerable<Told> Tell(Levels levels, string words) => comparison.Tell(
            new Fault(
                AlertRules.MonitorStsWeaker, comparison.Domain, levels, Levels.None, words,
                comparison.IsOwn ? "Publish it as it was, with a new id." : "Ask its operator whether it is meant. A rule with \"Tls\": \"Authenticated\" keeps the protection for our mail."), isNew: true);
    }

    public static int Strictness(string mode) => mode switch { "enforce" => 2, "testing" => 1, _ => 0 };

    public static string Lasts(long seconds) => seconds >= 2 * 86400 ? Words.Count(seconds / 86400, "day") : Words.Count(seconds, "second");

    static IEnumerable<Told> PolicyHost(Comparison comparison, StsFacts sts, DateTimeOffset now)
    {
        if (sts.Record is null || sts.HostCertificateUntil is not { } until)
        {
            return [];
        }

        var days = (until - now).TotalDays;
        var levels = days switch
        {
            <= 1 => s_lost,
            <= 7 => new Levels(AlertSeverity.Warning, AlertSeverity.Info),
            <= 14 => new Levels(AlertSeverity.Info, null),
            _ => Levels.None,
        };
        return comparison.Tell(
            new Fault(
                AlertRules.MonitorStsHost, comparison.Domain, levels, levels,
                days < 0 ? $"The certificate of mta-sts.{comparison.Domain} has expired on {Seen.Day(until)}"
                    : $"The certificate of mta-sts.{comparison.Domain} ends in {Words.Count((long)days, "day")}, on {Seen.Day(until)}",
                "Renew it: without it nobody can fetch the MTA-STS policy (RFC 8461 §3.3)."), isNew: false);
    }

    static IEnumerable<Told> Hosts(Comparison comparison, DomainFacts domain, StsPolicyFacts policy)
    {
        if (policy.Mode == "none")
        {
            return [];
        }

        var enforced = policy.Mode == "enforce";
        string[] all = [.. domain.Mx.Exchangers.Select(exchanger => exchanger.Name).OfType<string>()];
        string[] missing = [.. all.Where(name => !Covers(policy, name))];
        var then = comparison.Then?.Domain;
        return
        [
            .. missing.Length == 0 ? [] : comparison.Tell(
                new Fault(
                    AlertRules.MonitorStsMx, comparison.Domain,
                    enforced ? new Levels(AlertSeverity.Critical, missing.Length == all.Length ? AlertSeverity.Critical : AlertSeverity.Warning) : s_ours,
                    enforced ? new Levels(AlertSeverity.Critical, AlertSeverity.Info) : s_ours,
                    $"{Seen.Some(missing)} {(missing.Length == 1 ? "is" : "are")} not in the MTA-STS policy of {comparison.Domain}{(enforced ? ": senders do not deliver there" : ", which is only tested")}",
                    "Add the hosts to the policy, then publish a new id; or take them out of MX."),
                isNew: then is not { Sts.Policy: { } old } || old.Mode != policy.Mode || missing.Any(name => Covers(old, name) || then.Mx.Exchangers.All(exchanger => exchanger.Name != name))),
            .. comparison.Hosts.Where(host => Covers(policy, host.Name)).SelectMany(host => Certificate(comparison, host, enforced)),
        ];
    }

    /// <summary>Of the host, not of the domain: others share it.</summary>
    static IEnumerable<Told> Certificate(Comparison comparison, HostPair host, bool enforced)
    {
        ImmutableArray<EndpointFacts> bad = [.. host.Now.Endpoints.Where(endpoint => Agrees(endpoint, comparison.Current) is false)];
        if (bad.IsEmpty)
        {
            return host.Now.Endpoints.Any(endpoint => Agrees(endpoint, comparison.Current) is true) ? []
                : [Comparison.Unknown(AlertRules.MonitorStsCertificate, host.Name, host.Then?.Endpoints.Any(endpoint => Seen.Verified(endpoint) is true) is true)];
        }

        var wasHeld = Enforced(comparison.Then) is { } then && Covers(then, host.Name);
        return comparison.Tell(
            new Fault(
                AlertRules.MonitorStsCertificate, host.Name, enforced ? Levels.Critical : Levels.Warning, enforced ? new Levels(AlertSeverity.Critical, AlertSeverity.Info) : s_ours,
                $"The certificate of {Seen.At(host, bad)} fails the MTA-STS policy{(enforced ? ": senders do not deliver there" : ", which is only tested")}: {Why(host, bad[0])}",
                "It has to be for the name of the MX host, and from an authority that the web PKI trusts (RFC 8461 §4.2)."),
            isNew: (enforced && !wasHeld) || bad.Any(endpoint => comparison.Before(host, endpoint, Seen.Verified) is true));
    }

    /// <summary>What has expired is told as that.</summary>
    static bool? Agrees(EndpointFacts endpoint, Observation current) => Seen.Verified(endpoint) is not { } verified ? null : verified || Seen.Leaf(endpoint)!.Until <= current.LastSeenAt;

    public static string Why(HostPair host, EndpointFacts endpoint) =>
        endpoint.Handshake is { PkixProblems: [var first, ..] } ? first : $"it is for {Seen.Some(Seen.Leaf(endpoint)!.Names)}, not for {host.Name}";

    /// <summary>Senders that have the policy look at the id alone (RFC 8461 §3.3): they keep the old one until it runs out.</summary>
    static IEnumerable<Told> SameId(Comparison comparison, StsFacts sts, DateTimeOffset now)
    {
        var kept = comparison.Changes(now - DomainHistory.Memory).Any(pair =>
            pair.Before.Facts.Domain?.Sts is { Record: { } id, Policy: { } before } && pair.After.Facts.Domain?.Sts is { Record: { } same, Policy: { } after }
            && id == same && id == sts.Record && !IsSame(before, after));
        return kept
            ? comparison.TellChange(
                AlertRules.MonitorStsId, comparison.Domain, new Levels(AlertSeverity.Warning, AlertSeverity.Info),
                $"The MTA-STS policy of {comparison.Domain} was changed, and its id is still {sts.Record}: senders that have the old one keep it",
                "Publish a new id with each change (RFC 8461 §3.1).")
            : [];
    }

    static bool IsSame(StsPolicyFacts one, StsPolicyFacts other) =>
        (one.Mode, one.MaxAgeSeconds) == (other.Mode, other.MaxAgeSeconds) && one.Mx.Order(StringComparer.Ordinal).SequenceEqual(other.Mx.Order(StringComparer.Ordinal));
}
