using System.Collections.Immutable;

namespace Hopseal.Audit.Facts;

/// <summary>One name that mail goes to.</summary>
/// <param name="Name">Null for a bare address.</param>
/// <param name="AddressProblem">Why an address is missing; null when both families are known.</param>
/// <param name="AddressesSigned">Both, or the one there is, by DNSSEC.</param>
/// <param name="Tlsa">Of its port.</param>
public sealed record HostFacts(
    string? Name,
    int? Preference,
    string? AddressProblem,
    bool AddressesSigned,
    TlsaFacts Tlsa,
    ImmutableArray<EndpointFacts> Endpoints)
{
    /// <summary>False when a look-up failed, so that there may be addresses after all.</summary>
    public bool AddressesKnown { get; init; } = true;

    /// <summary>Who may issue certificates for it; null for a bare address.</summary>
    public CaaFacts? Caa { get; init; }
}

/// <summary>The CAA records that count for a host: those of the closest name at or above it that has any (RFC 8659 §3).</summary>
/// <param name="Owner">The name that has them; null where there are none.</param>
/// <param name="Records">In presentation format; empty where there are none.</param>
/// <param name="Problem">Why they are not known.</param>
public sealed record CaaFacts(string? Owner, ImmutableArray<string> Records, string? Problem = null)
{
    /// <summary>Some of them name an authority; without one of these any may issue (RFC 8659 §4.2).</summary>
    public bool Restricts { get; init; }
}

/// <summary>The names of an address in DNS.</summary>
/// <param name="Names">Of its PTR records.</param>
/// <param name="Confirmed">One of them has the address; null where there is none, or a look-up failed.</param>
/// <param name="Problem">Why it is not known.</param>
public sealed record ReverseFacts(ImmutableArray<string> Names, bool? Confirmed, string? Problem = null);

public enum TlsaAnswer
{
    /// <summary>There are none, or nobody asked because the host's addresses are not signed.</summary>
    Absent,

    /// <summary>There are some that nothing signs; no sender uses them (RFC 7672 §2.2).</summary>
    Unsigned,

    Signed,

    /// <summary>The look-up fails. Senders that do DANE then do not deliver (RFC 7672 §2.1).</summary>
    Failed,

    /// <summary>It was not asked for: a bare address.</summary>
    NotAsked,
}

/// <param name="Base">The TLSA base domain.</param>
/// <param name="Records">In presentation format.</param>
/// <param name="Unusable">Those that no sender can use, with the reason.</param>
public sealed record TlsaFacts(TlsaAnswer Answer, string? Base, ImmutableArray<string> Records, ImmutableArray<string> Unusable, string? Problem = null)
{
    public static TlsaFacts NotAsked { get; } = new(TlsaAnswer.NotAsked, null, [], []);
}

/// <summary>One address of a host, at one port.</summary>
/// <param name="Address">IP literal.</param>
/// <param name="Connections">How many were opened to it under this name.</param>
/// <param name="Dialogue">Of the first connection.</param>
/// <param name="Handshake">With the platform's TLS; null where it did not come to that.</param>
public sealed record EndpointFacts(
    string Address,
    int Port,
    string Protocol,
    int Connections,
    DialogueFacts Dialogue,
    HandshakeFacts? Handshake)
{
    /// <summary>Certificates of other kinds that it shows to clients that want those, beside the one of the handshake.</summary>
    public ImmutableArray<CertificateFacts> OtherCertificates { get; init; } = [];

    /// <summary>Fingerprints of those among them that no usable TLSA record matches; empty also where there are no such records.</summary>
    public ImmutableArray<string> UnmatchedCertificates { get; init; } = [];

    /// <summary>The name under which the address was asked what does not depend on the name: injection, plaintext mail, versions, suites and groups. Null where it
    /// was this one.</summary>
    public string? AskedAs { get; init; }

    /// <summary>Null in facts of before it was looked up.</summary>
    public ReverseFacts? Reverse { get; init; }

    /// <summary>What it does with octets that are sent together with STARTTLS; null when it was not tried.</summary>
    public InjectionFacts? Injection { get; init; }

    /// <summary>Certificates by the name that a client asks for; null when it was not tried.</summary>
    public ServerNameFacts? ServerNames { get; init; }

    /// <summary>Whether it takes mail without TLS; null when it was not tried.</summary>
    public PlaintextMailFacts? PlaintextMail { get; init; }

    /// <summary>What hand-made hellos found; null when they were not sent.</summary>
    public TlsFacts? Tls { get; init; }
}

public enum Reach
{
    /// <summary>It talked as far as was needed.</summary>
    Talked,

    /// <summary>No connection.</summary>
    Unreachable,

    /// <summary>It turned us away for now: 421 or 4yz, greylisting, too many connections.</summary>
    TurnedAway,

    /// <summary>It turned us away for good: 554.</summary>
    Refused,

    /// <summary>It talked too slowly, without end, or no mail protocol.</summary>
    Unreadable,

    /// <summary>It is on the do-not-scan list.</summary>
    NotAsked,

    /// <summary>Other names of its address had all connections that may be opened to it.</summary>
    NoneLeft,
}

/// <param name="Reach">How far it came.</param>
/// <param name="Why">Where it did not come to the end, in words.</param>
/// <param name="Capabilities">Before TLS, one a line.</param>
/// <param name="StartTls">Whether it was offered; null where that was not seen.</param>
/// <param name="StartTlsReply">What it said to STARTTLS.</param>
/// <param name="Masked">Signs of somebody in the way: masked capability lines or banner (see <c>MaskedCapabilities</c>).</param>
/// <param name="CapabilitiesInside">After TLS.</param>
/// <param name="Transcript">As proof; bounded.</param>
public sealed record DialogueFacts(
    Reach Reach,
    string? Why,
    string? Banner,
    ImmutableArray<string> Capabilities,
    bool? StartTls,
    string? StartTlsReply,
    ImmutableArray<string> Masked,
    ImmutableArray<string> CapabilitiesInside,
    ImmutableArray<string> Transcript);

/// <param name="Works">A handshake came to its end.</param>
/// <param name="Failure">Why not.</param>
/// <param name="Version">1.2 or 1.3.</param>
/// <param name="Chain">As it was sent, the peer's own first.</param>
/// <param name="PkixProblems">What the web PKI has against it, the name apart; empty for a good chain.</param>
/// <param name="NameMatches">Whether it is for the host's name; null for a bare address.</param>
/// <param name="TlsaMatches">Whether a usable record matches; null where there is none.</param>
public sealed record HandshakeFacts(
    bool Works,
    string? Failure,
    string? Version,
    string? Cipher,
    ImmutableArray<CertificateFacts> Chain,
    ImmutableArray<string> PkixProblems,
    bool? NameMatches,
    bool? TlsaMatches,
    string? TlsaDetail);

/// <param name="KeyKind">RSA, ECDSA, or the OID of another.</param>
/// <param name="Curve">Of an elliptic curve key.</param>
/// <param name="SignatureHash">SHA256 and so on; null where the algorithm has none.</param>
/// <param name="Fingerprint">SHA-256 of the certificate, hexadecimal.</param>
/// <param name="KeyFingerprint">SHA-256 of its SubjectPublicKeyInfo: what a TLSA record 3 1 1 holds.</param>
/// <param name="ServerUse">Whether its extended key usage allows serving TLS, or it has none.</param>
public sealed record CertificateFacts(
    string Subject,
    string Issuer,
    ImmutableArray<string> Names,
    DateTimeOffset From,
    DateTimeOffset Until,
    string KeyKind,
    int KeyBits,
    string? Curve,
    string SignatureAlgorithm,
    string? SignatureHash,
    string Fingerprint,
    string KeyFingerprint,
    bool ServerUse)
{
    /// <summary>Whether its key usage allows signatures, which every key exchange with forward secrecy needs, or it has none.</summary>
    public bool Signs { get; init; } = true;
}

/// <summary>What is shown to clients that do not ask for the host's name (RFC 6066 §3).</summary>
/// <param name="WithoutName">To those that ask for none: Postfix, unless it is told to.</param>
/// <param name="UnknownName">To those that ask for a name that nobody has.</param>
public sealed record ServerNameFacts(ShownFacts WithoutName, ShownFacts UnknownName);

/// <param name="Fingerprint">SHA-256 of the certificate; null where none was seen.</param>
/// <param name="Trusted">The web PKI vouches for it, and it is for the host's name.</param>
/// <param name="TlsaMatches">Whether a usable record matches; null where there is none.</param>
/// <param name="Problem">Why none was seen.</param>
public sealed record ShownFacts(string? Fingerprint, bool? Trusted, bool? TlsaMatches, string? Problem)
{
    /// <summary>The handshake was refused; otherwise a problem says that it could not be found out.</summary>
    public bool Refused { get; init; }
}

/// <param name="Taken">A sender's address was accepted before TLS; null where neither that nor 530 was answered.</param>
/// <param name="Reply">To it.</param>
public sealed record PlaintextMailFacts(bool? Taken, string Reply);

/// <param name="Executed">It answered after the upgrade to what came before it in plaintext (CVE-2011-0411).</param>
/// <param name="Detail">What it answered.</param>
public sealed record InjectionFacts(bool? Executed, string Detail);
