using System.Collections.Immutable;
using Hopseal.Audit.Facts;
using Hopseal.Reports.Alerts;

namespace Hopseal.Monitor.Changes;

/// <summary>DNSSEC and DANE (RFC 7672): whether senders can still rely on them, and whether hosts show what they promise.</summary>
static class DaneRules
{
    /// <summary>Most records are in caches for less.</summary>
    static readonly TimeSpan s_caches = TimeSpan.FromDays(1);

    static readonly Levels s_lost = new(AlertSeverity.Critical, AlertSeverity.Warning);
    static readonly Levels s_once = new(AlertSeverity.Warning, AlertSeverity.Info);

    public static IEnumerable<Told> Of(Comparison comparison, DateTimeOffset now) =>
    [
        .. Zone(comparison),
        .. comparison.Hosts.SelectMany(host => (Told[])[.. LookUp(comparison, host), .. Addresses(comparison, host), .. Lost(comparison, host), .. Match(comparison, host)]),
        .. Unannounced(comparison, now),
    ];

    static IEnumerable<Told> Zone(Comparison comparison) =>
        comparison.TakesMail && comparison.Then?.Domain is { Mx.Signed: true } && comparison.Now.Domain is { Mx.Signed: false }
            ? comparison.Tell(
                new Fault(
                    AlertRules.MonitorDnssecLost, comparison.Domain, s_lost, Levels.None, $"The MX records of {comparison.Domain} are not signed any more",
                    "Without DNSSEC a forged answer can send its mail elsewhere, and DANE protects nobody. Often the DS record at the registry is missing."), isNew: true)
            : [];

    /// <summary>An answer that fails is not "none": senders that do DANE then defer (RFC 7672 §2.1.2).</summary>
    static IEnumerable<Told> LookUp(Comparison comparison, HostPair host) => host.Now.Tlsa.Answer switch
    {
        TlsaAnswer.Failed => comparison.Tell(
            new Fault(
                AlertRules.MonitorDnssecFailed, host.Name, Levels.Critical, s_once,
                $"The TLSA records of {host.Name} cannot be looked up: {host.Now.Tlsa.Problem ?? "no reason given"}",
                "Senders that do DANE do not deliver to it. Signatures that ran out, a wrong DS record, or a name server that does not answer for TLSA."),
            isNew: host.Then?.Tlsa.Answer is not TlsaAnswer.Failed),
        TlsaAnswer.NotAsked => [Comparison.Unknown(AlertRules.MonitorDnssecFailed, host.Name, had: false)],
        _ when host.Now.AddressProblem is not null => [Comparison.Unknown(AlertRules.MonitorDnssecFailed, host.Name, had: false)],
        _ => [],
    };

    static IEnumerable<Told> Addresses(Comparison comparison, HostPair host) => host switch
    {
        not { Then.AddressesSigned: true, Now.AddressesSigned: false } => [],
        { Now.AddressProblem: not null } => [Comparison.Unknown(AlertRules.MonitorDnssecLost, host.Name, had: true)],
        _ => comparison.Tell(
            new Fault(
                AlertRules.MonitorDnssecLost, host.Name, s_lost, Levels.None,
                $"The addresses of {host.Name} are not signed any more{(host.Then is { } then && Seen.HasDane(then) ? ", so that DANE protects it no longer" : "")}",
                "Often the DS record at the registry is missing, or a new name server does not sign."), isNew: true),
    };

    static IEnumerable<Told> Lost(Comparison comparison, HostPair host)
    {
        var had = host.Then is { } then ? Seen.HasDane(then) : comparison.Then is { Hosts.IsEmpty: false } reference && reference.Hosts.All(Seen.HasDane);
        if (!had || Seen.HasDane(host.Now))
        {
            return [];
        }

        if (host.Now.Tlsa.Answer is TlsaAnswer.Failed or TlsaAnswer.NotAsked || host.Now.AddressProblem is not null)
        {
            return [Comparison.Unknown(AlertRules.MonitorDaneLost, comparison.SubjectOf(host), had)];
        }

        // That the zone is not signed any more is told already.
        if (host is { Then.AddressesSigned: true, Now.AddressesSigned: false })
        {
            return [];
        }

        var what = host switch
        {
            { Then: null } => $"{host.Name} is new, and has no TLSA records as the others had",
            { Now.Tlsa.Answer: TlsaAnswer.Signed } => $"None of the TLSA records of {host.Name} can be used any more",
            { Now.Tlsa.Answer: TlsaAnswer.Unsigned } => $"The TLSA records of {host.Name} are not signed any more",
            _ => $"{host.Name} has no TLSA records any more",
        };
        return comparison.Tell(
            new Fault(AlertRules.MonitorDaneLost, comparison.SubjectOf(host), s_lost, Levels.None, what, "DANE protects mail to it no longer: publish them again."), isNew: true);
    }

    static IEnumerable<Told> Match(Comparison comparison, HostPair host)
    {
        ImmutableArray<EndpointFacts> bad = [.. host.Now.Endpoints.Where(endpoint => Seen.MatchesTlsa(endpoint) is false)];
        if (!Seen.HasDane(host.Now))
        {
            return [];
        }

        if (bad.IsEmpty)
        {
            var known = host.Now.Endpoints.Any(endpoint => Seen.MatchesTlsa(endpoint) is not null);
            var had = host.Then?.Endpoints.Any(endpoint => Seen.MatchesTlsa(endpoint) is not null) is true;
            return known ? [] : [Comparison.Unknown(AlertRules.MonitorTlsaMismatch, host.Name, had), Comparison.Unknown(AlertRules.MonitorTlsaRollover, host.Name, had)];
        }

        // A host that had no TLSA records before they were wrong is new to the rule, too.
        var isNew = bad.Any(endpoint => comparison.Before(host, endpoint, Seen.MatchesTlsa) is not false);
        var early = host.Then is { } then && Same(then.Tlsa.Records, host.Now.Tlsa.Records) && bad.Any(endpoint => HasNewKey(then, endpoint));
        var (rule, text) = early
            ? (AlertRules.MonitorTlsaRollover, $"{Seen.At(host, bad)} has a new key, and its TLSA records are still for the old one: senders that do DANE do not deliver")
            : (AlertRules.MonitorTlsaMismatch, $"{What(bad)} of {Seen.At(host, bad)} matches no TLSA record: senders that do DANE do not deliver");
        return comparison.Tell(
            new Fault(rule, host.Name, Levels.Critical, s_lost, text, $"Publish {host.Now.Tlsa.Base ?? $"_25._tcp.{host.Name}"}. TLSA 3 1 1 {Wanted(bad[0])}, or serve the key that is published."),
            isNew);
    }

    static string What(ImmutableArray<EndpointFacts> bad) => bad.Any(endpoint => endpoint.Handshake is { TlsaMatches: false })
        ? "The certificate"
        : $"The {bad[0].OtherCertificates.FirstOrDefault(IsUnmatched(bad[0]))?.KeyKind ?? "other"} certificate";

    /// <summary>The digest of the key that no record is for.</summary>
    static string Wanted(EndpointFacts endpoint) => endpoint.Handshake is { TlsaMatches: false }
        ? Seen.Leaf(endpoint)?.KeyFingerprint ?? "…"
        : endpoint.OtherCertificates.FirstOrDefault(IsUnmatched(endpoint))?.KeyFingerprint ?? "…";

    static Func<CertificateFacts, bool> IsUnmatched(EndpointFacts endpoint) => certificate => endpoint.UnmatchedCertificates.Contains(certificate.Fingerprint);

    static bool HasNewKey(HostFacts then, EndpointFacts endpoint) =>
        Seen.Leaf(endpoint) is { } leaf && then.Endpoints.Select(Seen.Leaf).OfType<CertificateFacts>().Any()
        && then.Endpoints.SelectMany(old => (CertificateFacts?[])[Seen.Leaf(old), .. old.OtherCertificates]).OfType<CertificateFacts>().All(old => old.KeyFingerprint != leaf.KeyFingerprint);

    static bool Same(ImmutableArray<string> one, ImmutableArray<string> other) => one.Order(StringComparer.Ordinal).SequenceEqual(other.Order(StringComparer.Ordinal));

    /// <summary>A key that came together with its record: who has the old records in a cache does not deliver (RFC 7671 §8.1).</summary>
    static IEnumerable<Told> Unannounced(Comparison comparison, DateTimeOffset now)
    {
        foreach (var (before, after) in comparison.Changes(now - s_caches))
        {
            foreach (var host in after.Facts.Hosts.Where(Seen.HasDane))
            {
                if (before.Facts.Hosts.FirstOrDefault(other => other.Name == host.Name) is { } old && host.Name is { } name && Seen.HasDane(old) && IsUnannounced(old, host))
                {
                    foreach (var told in comparison.TellChange(
                        AlertRules.MonitorTlsaRollover, name, s_lost,
                        $"{name} changed its key and its TLSA records together on {after.FirstSeenAt.UtcDateTime:yyyy-MM-dd HH:mm} UTC: senders that have the old records in a cache do not deliver until these run out",
                        "Publish the record of the next key before it is used, by twice the TTL of the records at least."))
                    {
                        yield return told;
                    }
                }
            }
        }
    }

    static bool IsUnannounced(HostFacts old, HostFacts host) => !Same(old.Tlsa.Records, host.Tlsa.Records) && host.Endpoints.Any(endpoint =>
        Seen.MatchesTlsa(endpoint) is true && HasNewKey(old, endpoint) && TlsaText.AnyMatches(old.Tlsa.Records, endpoint.Handshake!.Chain) is false);
}
