using System.Collections.Immutable;
using System.Net.Security;
using System.Security.Cryptography.X509Certificates;

namespace Hopseal.Smtp.Tls;

/// <summary>What a session must have before <c>MAIL FROM</c> may be written. Ordered: combining two demands is <c>Max</c>, so
/// no policy can lower what another one asked for.</summary>
public enum SecurityFloor
{
    Plaintext,
    Encrypted,
    Authenticated,
}

/// <summary>How a client connection is to become TLS.</summary>
public enum TlsStart
{
    /// <summary>STARTTLS where the server offers it (RFC 3207); whether its absence matters follows from the floor.</summary>
    StartTls,

    /// <summary>TLS from the first byte (RFC 8314 §3).</summary>
    Implicit,

    /// <summary>No TLS at all: the later attempt of RFC 7435 §3 after a handshake that failed. Only with
    /// <see cref="SecurityFloor.Plaintext"/>.</summary>
    None,
}

/// <summary>The oldest version of TLS that is spoken; there are no others (RFC 9325 §3.1.1). Ordered, as <see cref="SecurityFloor"/> is.</summary>
public enum TlsVersion
{
    Tls12,
    Tls13,
}

/// <summary>How the peer's identity was established, if it was.</summary>
public enum PeerIdentity
{
    Unauthenticated,
    Pkix,
    DaneTa,
    DaneEe,

    /// <summary>By a fingerprint that the operator wrote down.</summary>
    Pinned,
}

/// <summary>What the peer sent in its Certificate message, unjudged.</summary>
/// <param name="Sent">As sent, leaf first, duplicates and unrelated certificates included.</param>
/// <param name="ServerName">The name we asked for by SNI.</param>
public sealed record PeerChain(X509Certificate2 Leaf, ImmutableArray<X509Certificate2> Sent, string ServerName);

/// <summary>A verifier's judgement: who the peer is, and every rule it broke.</summary>
public sealed record PeerVerdict(PeerIdentity Identity, ImmutableArray<TlsFailure> Failures);

/// <summary>What the caller asks of one client connection.</summary>
/// <param name="ServerName">Sent as SNI (A-labels, no trailing dot); empty for a peer known by address only.</param>
/// <param name="Verify">Judges the peer's chain; never throws, makes no network access, and never decides: whether its
/// failures end the session follows from <paramref name="Floor"/> alone. The certificates are valid during the call.</param>
public sealed record TlsDemand(
    SecurityFloor Floor,
    string ServerName,
    Func<PeerChain, PeerVerdict> Verify,
    TlsStart Start = TlsStart.StartTls)
{
    /// <summary>Nothing older is offered, whatever else is allowed.</summary>
    public TlsVersion MinimumVersion { get; init; }

    /// <summary>Shown to a server that asks for one (RFC 8446 §4.3.2), with its chain; null: none is.</summary>
    public SslStreamCertificateContext? Certificate { get; init; }
}
