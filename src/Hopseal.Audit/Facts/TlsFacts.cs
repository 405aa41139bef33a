using System.Collections.Immutable;

namespace Hopseal.Audit.Facts;

/// <summary>What a server does with hand-made hellos. Null members were not found out; <see cref="Problems"/> says why.</summary>
/// <param name="Versions">Each that was asked for, and whether it is spoken: <c>TLS 1.3</c> to <c>SSL 2.0</c>; null: could not be found out.</param>
/// <param name="Suites">Accepted, by version, in the order in which they were found.</param>
/// <param name="AllSuites">The list is complete; otherwise it is what was seen before the connections were used up.</param>
/// <param name="ServerOrder">The server chooses by its own order; null also where there is nothing to choose.</param>
/// <param name="Groups">Accepted in TLS 1.3, by IANA name, in the server's order where it was asked for all of them.</param>
/// <param name="PostQuantumPreferred">It asks for a hybrid group although it was offered last.</param>
/// <param name="DhBits">Of the prime in a DHE exchange that is signed, the smallest that was seen; null where there is none.</param>
public sealed record TlsFacts(
    ImmutableSortedDictionary<string, bool?> Versions,
    ImmutableArray<SuiteFact> Suites,
    bool AllSuites,
    bool? ServerOrder,
    ImmutableArray<string> Groups,
    bool? PostQuantumPreferred,
    int? DhBits)
{
    /// <summary>Whether any hello got an answer.</summary>
    public bool Speaks => Versions.Values.Any(spoken => spoken is true);

    /// <summary>Whether the answer to the question for broken suites is complete.</summary>
    public bool BrokenKnown { get; init; }

    /// <summary>Whether the groups are a complete answer to the question for hybrids.</summary>
    public bool GroupsKnown { get; init; }

    /// <summary>Whether <see cref="Groups"/> is complete.</summary>
    public bool AllGroups { get; init; }

    /// <summary>Curves of ECDHE up to TLS 1.2.</summary>
    public ImmutableArray<string> OlderGroups { get; init; } = [];

    /// <summary>Whether <see cref="OlderGroups"/> is complete.</summary>
    public bool AllOlderGroups { get; init; }

    /// <summary>What TLS 1.2 chooses when the strong suites are offered first.</summary>
    public string? ChosenStrongFirst { get; init; }

    /// <summary>What TLS 1.2 chooses when the weak suites are offered first.</summary>
    public string? ChosenWeakFirst { get; init; }

    /// <summary>RFC 7627; null without TLS 1.2.</summary>
    public bool? ExtendedMasterSecret { get; init; }

    /// <summary>RFC 5746; null without TLS 1.2.</summary>
    public bool? SecureRenegotiation { get; init; }

    public bool? Compression { get; init; }

    /// <summary>It offers tickets to resume sessions (RFC 5077), up to TLS 1.2; null without these versions.</summary>
    public bool? Tickets { get; init; }

    /// <summary>It names sessions, so that they can be resumed (RFC 5246 §7.4.1.3); null without these versions.</summary>
    public bool? SessionNames { get; init; }

    /// <summary>RFC 7507: a hello that says it fell back is refused; null where only one version is spoken.</summary>
    public bool? FallbackRefused { get; init; }

    /// <summary>It signs with SHA-1 when asked for nothing else; null without TLS 1.2.</summary>
    public bool? Sha1Signature { get; init; }

    /// <summary>How it signs its key exchange in TLS 1.2, each scheme that was seen.</summary>
    public ImmutableArray<string> Signatures { get; init; } = [];

    /// <summary>What was asked, and what came back, a connection each.</summary>
    public ImmutableArray<HelloFact> Hellos { get; init; } = [];

    public ImmutableArray<string> Problems { get; init; } = [];
}

/// <param name="Version">In which it was accepted.</param>
/// <param name="Name">Of IANA.</param>
public sealed record SuiteFact(string Version, string Name);

/// <param name="Asked">What the hello offered, in words.</param>
/// <param name="Answered">What came back, in words.</param>
public sealed record HelloFact(string Asked, string Answered);
