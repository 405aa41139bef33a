using System.Collections.Immutable;
using System.Globalization;
using Hopseal.Audit.Facts;
using Hopseal.Audit.Output;

namespace Hopseal.Monitor.Changes;

/// <summary>What rules ask of facts.</summary>
static class Seen
{
    const int MostNamed = 5;

    public static bool Talked(EndpointFacts endpoint) => endpoint.Dialogue.Reach is Reach.Talked;

    /// <summary>Null where it did not talk.</summary>
    public static bool? Unmasked(EndpointFacts endpoint) => Talked(endpoint) ? endpoint.Dialogue.Masked.IsEmpty : null;

    /// <summary>Null also where something on the way hides what it offers.</summary>
    public static bool? OffersTls(EndpointFacts endpoint) => Unmasked(endpoint) is true ? endpoint.Dialogue.StartTls : null;

    /// <summary>Null where STARTTLS is not offered.</summary>
    public static bool? CompletesTls(EndpointFacts endpoint) => OffersTls(endpoint) is true ? endpoint.Handshake?.Works : null;

    /// <summary>The certificate of its handshake.</summary>
    public static CertificateFacts? Leaf(EndpointFacts endpoint) => endpoint.Handshake is { Works: true, Chain: [var leaf, ..] } ? leaf : null;

    /// <summary>Whether the web PKI vouches for the host's name.</summary>
    public static bool? Verified(EndpointFacts endpoint) =>
        Leaf(endpoint) is not null ? endpoint.Handshake is { PkixProblems.IsEmpty: true, NameMatches: true } : null;

    /// <summary>Whether every certificate that is shown matches a TLSA record; null where there is none that counts.</summary>
    public static bool? MatchesTlsa(EndpointFacts endpoint) => endpoint.Handshake is { Works: true, TlsaMatches: { } matches } ? matches && endpoint.UnmatchedCertificates.IsEmpty : null;

    public static bool HasDane(HostFacts host) => host.Tlsa is { Answer: TlsaAnswer.Signed, Records.IsEmpty: false };

    /// <summary>The host, with the addresses where it is not all of them.</summary>
    public static string At(HostPair host, ImmutableArray<EndpointFacts> some) =>
        some.Length == host.Now.Endpoints.Length ? host.Name : $"{host.Name} [{Some(some.Select(endpoint => endpoint.Address))}]";

    /// <summary>The first ones, and how many there are beside them.</summary>
    public static string Some(IEnumerable<string> names)
    {
        string[] all = [.. names];
        return all.Length <= MostNamed ? string.Join(", ", all)
            : $"{string.Join(", ", all[..MostNamed])} and {Words.Count(all.Length - MostNamed, "other")}";
    }

    public static string Day(DateTimeOffset at) => at.UtcDateTime.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);
}
