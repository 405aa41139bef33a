using System.Collections.Immutable;
using Hopseal.Smtp.Tls;

namespace Hopseal.Relay;

/// <summary>What became of TLS, in the words of the log.</summary>
/// <param name="Names">Of the peer's certificate.</param>
readonly record struct TlsWords(
    string Level, string? Version, string? Cipher, string? Identity, string? Failures, string? Names = null, string? Fingerprint = null)
{
    public static TlsWords Of(TlsOutcome? tls) => tls switch
    {
        TlsOutcome.Encrypted up => new TlsWords(
            Of(up.Identity == PeerIdentity.Unauthenticated ? SecurityFloor.Encrypted : SecurityFloor.Authenticated),
            up.Version,
            up.CipherSuite,
            Of(up.Identity),
            Join(up.Tolerated),
            NamesOf(up.Peer),
            up.Peer?.Sha256),
        TlsOutcome.Plaintext plain => new TlsWords(Of(SecurityFloor.Plaintext), null, null, null, plain.Reason.ToString()),
        TlsOutcome.Refused refused =>
            new TlsWords("refused", null, null, null, Join(refused.Failures), NamesOf(refused.Peer), refused.Peer?.Sha256),
        _ => new TlsWords("undecided", null, null, null, null),
    };

    public static TlsWords? Of(SessionUse? use) => use is null ? null : Of(use.Tls);

    public static string Of(SecurityFloor floor) => floor switch
    {
        SecurityFloor.Plaintext => "plaintext",
        SecurityFloor.Encrypted => "encrypted",
        SecurityFloor.Authenticated => "authenticated",
    };

    static string? NamesOf(PeerCertificate? peer) => peer is null ? null : string.Join(", ", peer.Names);

    static string Of(PeerIdentity identity) => identity switch
    {
        PeerIdentity.Unauthenticated => "unauthenticated",
        PeerIdentity.Pkix => "pkix",
        PeerIdentity.DaneTa => "dane-ta",
        PeerIdentity.DaneEe => "dane-ee",
        PeerIdentity.Pinned => "pinned",
    };

    static string? Join(ImmutableArray<TlsFailure> failures) => failures.IsEmpty ? null : string.Join("; ", failures);
}
