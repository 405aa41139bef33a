using System.Globalization;
using Hopseal.Audit.Facts;

namespace Hopseal.Monitor.Changes;

/// <summary>What changed of the TLS at one address: what was asked for completely, and what one question found out.</summary>
static class TlsDifference
{
    public static IEnumerable<DomainChange> Between(EndpointFacts then, EndpointFacts now)
    {
        foreach (var change in EndpointDifference.YesNo(
            then.Injection?.Executed, now.Injection?.Executed, good: false,
            " executes commands that were sent in plaintext before TLS (CVE-2011-0411)", " no longer executes commands that were sent before TLS"))
        {
            yield return change;
        }

        // Who found nothing out by hello still has the version of the handshake.
        if ((then.Tls is null || now.Tls is null) && then.Handshake is { Works: true, Version: { } old } && now.Handshake is { Works: true, Version: { } version } && old != version)
        {
            yield return new DomainChange(string.CompareOrdinal(version, old) > 0 ? Turn.Better : Turn.Worse, $": {old} → {version}");
        }

        foreach (var change in DomainDifference.Lists(": certificates for other clients", Others(then), Others(now)))
        {
            yield return change;
        }

        foreach (var change in then.Tls is { } before && now.Tls is { } after ? Hellos(before, after) : [])
        {
            yield return change;
        }
    }

    static IEnumerable<string> Others(EndpointFacts endpoint) =>
        endpoint.OtherCertificates.Select(certificate => $"{TlsStrength.KeyOf(certificate)} until {Seen.Day(certificate.Until)} ({certificate.Fingerprint[..Math.Min(8, certificate.Fingerprint.Length)]})");

    static IEnumerable<DomainChange> Hellos(TlsFacts then, TlsFacts now) =>
    [
        .. now.Versions.SelectMany(pair => EndpointDifference.YesNo(
            then.Versions.GetValueOrDefault(pair.Key), pair.Value, good: pair.Key is "TLS 1.3" or "TLS 1.2", $" speaks {pair.Key} now", $" no longer speaks {pair.Key}")),
        .. then.AllSuites && now.AllSuites ? DomainDifference.Lists(": suites", then.Suites.Select(Words), now.Suites.Select(Words)) : [],
        .. then.AllGroups && now.AllGroups ? DomainDifference.Lists(": groups", then.Groups, now.Groups)
            : then.GroupsKnown && now.GroupsKnown ? Hybrids(then, now) : [],
        .. then.AllOlderGroups && now.AllOlderGroups ? DomainDifference.Lists(": groups up to TLS 1.2", then.OlderGroups, now.OlderGroups) : [],
        .. Values(": suite chosen where strong ones are offered first", then.ChosenStrongFirst, now.ChosenStrongFirst),
        .. Values(": suite chosen where weak ones are offered first", then.ChosenWeakFirst, now.ChosenWeakFirst),
        .. Bits(then.DhBits, now.DhBits),
        .. EndpointDifference.YesNo(then.ServerOrder, now.ServerOrder, good: true, " chooses suites by its own order now", " takes the client's order of suites now"),
        .. EndpointDifference.YesNo(then.PostQuantumPreferred, now.PostQuantumPreferred, good: true, " prefers a post-quantum group now", " no longer prefers a post-quantum group"),
        .. EndpointDifference.YesNo(then.ExtendedMasterSecret, now.ExtendedMasterSecret, good: true, " has the extended master secret now", " no longer has the extended master secret"),
        .. EndpointDifference.YesNo(then.SecureRenegotiation, now.SecureRenegotiation, good: true, " has secure renegotiation now", " no longer has secure renegotiation"),
        .. EndpointDifference.YesNo(then.Compression, now.Compression, good: false, " compresses now", " no longer compresses"),
        .. EndpointDifference.YesNo(then.FallbackRefused, now.FallbackRefused, good: true, " refuses a fallback now", " no longer refuses a fallback"),
        .. EndpointDifference.YesNo(then.Sha1Signature, now.Sha1Signature, good: false, " signs with SHA-1 now", " no longer signs with SHA-1"),
    ];

    static string Words(SuiteFact suite) => $"{suite.Name} ({suite.Version})";

    static IEnumerable<DomainChange> Hybrids(TlsFacts then, TlsFacts now) => EndpointDifference.YesNo(
        !TlsStrength.HybridsOf(then).IsEmpty, !TlsStrength.HybridsOf(now).IsEmpty, good: true, $" has a post-quantum group now: {Seen.Some(TlsStrength.HybridsOf(now))}", " has no post-quantum group any more");

    static IEnumerable<DomainChange> Values(string what, string? then, string? now)
    {
        if (then is not null && now is not null && then != now)
        {
            yield return new DomainChange(Turn.Neutral, $"{what}: {then} → {now}");
        }
    }

    static IEnumerable<DomainChange> Bits(int? then, int? now)
    {
        if (then is { } before && now is { } after && before != after)
        {
            yield return new DomainChange(after > before ? Turn.Better : Turn.Worse, string.Create(CultureInfo.InvariantCulture, $": Diffie-Hellman prime of {before} → {after} bits"));
        }
    }
}
