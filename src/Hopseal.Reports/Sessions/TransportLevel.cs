using Hopseal.Smtp.Tls;

namespace Hopseal.Reports.Sessions;

/// <summary>What a session came to, as it is counted. The numbers are stored.</summary>
public enum TransportLevel
{
    Plaintext = 0,
    Encrypted = 1,
    Authenticated = 2,

    /// <summary>TLS failed, or was less than what was asked for: nothing was carried.</summary>
    Refused = 3,

    /// <summary>It ended before it came to TLS.</summary>
    Undecided = 4,
}

/// <summary>TLS of a session in the words that are stored and shown.</summary>
/// <param name="Identity">How the peer proved who it is; null where nothing was to be proved.</param>
/// <param name="Type">Of the first failure, as RFC 8460 §4.3 writes it.</param>
/// <param name="Reason">Its reason code.</param>
public sealed record Transport(
    TransportLevel Level, string? Version, string? Cipher, string? Identity, string? Fingerprint, string? Names, string? Type, string? Reason, string? Detail)
{
    public static Transport Of(TlsOutcome? tls) => tls switch
    {
        TlsOutcome.Encrypted up => With(
            up.Identity is PeerIdentity.Unauthenticated ? TransportLevel.Encrypted : TransportLevel.Authenticated,
            up.Peer, up.Tolerated.FirstOrDefault(), up.Version, up.CipherSuite, Word(up.Identity)),
        TlsOutcome.Plaintext plain => With(TransportLevel.Plaintext, null, plain.Reason),
        TlsOutcome.Refused refused => With(TransportLevel.Refused, refused.Peer, refused.Failures.FirstOrDefault()),
        null => With(TransportLevel.Undecided, null, null),
        _ => throw new ArgumentException($"unknown outcome {tls}", nameof(tls)),
    };

    public static string Word(TransportLevel level) => level switch
    {
        TransportLevel.Plaintext => "plaintext",
        TransportLevel.Encrypted => "encrypted",
        TransportLevel.Authenticated => "authenticated",
        TransportLevel.Refused => "refused",
        TransportLevel.Undecided => "undecided",
    };

    public static TransportLevel Of(SecurityFloor floor) => floor switch
    {
        SecurityFloor.Plaintext => TransportLevel.Plaintext,
        SecurityFloor.Encrypted => TransportLevel.Encrypted,
        SecurityFloor.Authenticated => TransportLevel.Authenticated,
    };

    static Transport With(
        TransportLevel level, PeerCertificate? peer, TlsFailure? failure, string? version = null, string? cipher = null, string? identity = null) => new(
        level, version, cipher, identity, peer?.Sha256, peer is null ? null : peer.Names is [var only] ? only : string.Join(", ", peer.Names.Take(10)),
        failure?.Type.ToWire(), failure?.ReasonCode, failure?.Detail);

    static string Word(PeerIdentity identity) => identity switch
    {
        PeerIdentity.Unauthenticated => "unauthenticated",
        PeerIdentity.Pkix => "pkix",
        PeerIdentity.DaneTa => "dane-ta",
        PeerIdentity.DaneEe => "dane-ee",
        PeerIdentity.Pinned => "pinned",
    };
}
