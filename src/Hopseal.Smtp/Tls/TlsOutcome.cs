using System.Collections.Immutable;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Hopseal.Smtp.Tls;

/// <summary>What became of an upgrade, in either role. A closed sum: every consumer switches over exactly these three.</summary>
public abstract record TlsOutcome
{
    TlsOutcome()
    {
    }

    /// <summary>TLS is up.</summary>
    /// <param name="CipherSuite">The IANA name, for example <c>TLS_AES_256_GCM_SHA384</c>.</param>
    /// <param name="Identity">Who the peer proved to be; of a client without certificate, nobody.</param>
    /// <param name="Peer">The certificate the peer showed, null when it showed none.</param>
    /// <param name="ServerName">The SNI name, null when there was none.</param>
    /// <param name="Handshake">From the first byte of the handshake to its end.</param>
    /// <param name="Tolerated">Failures that were seen but that the floor did not enforce; they are reported all the
    /// same (RFC 8461 §5).</param>
    public sealed record Encrypted(
        SslProtocols Protocol,
        string CipherSuite,
        PeerIdentity Identity,
        PeerCertificate? Peer,
        string? ServerName,
        TimeSpan Handshake,
        ImmutableArray<TlsFailure> Tolerated) : TlsOutcome
    {
        /// <summary><c>TLSv1.2</c> or <c>TLSv1.3</c>, as the Received header and the logs say it.</summary>
        public string Version => Protocol switch
        {
#pragma warning disable CA5398 // names what was negotiated, chooses nothing
            SslProtocols.Tls12 => "TLSv1.2",
            SslProtocols.Tls13 => "TLSv1.3",
#pragma warning restore CA5398
            _ => Protocol.ToString(),
        };
    }

    /// <summary>No TLS, and the floor allowed that (RFC 7435 §3).</summary>
    public sealed record Plaintext(TlsFailure Reason) : TlsOutcome;

    /// <summary>The floor was not met, or the handshake failed. No mail has been or will be carried by this connection.</summary>
    /// <param name="Peer">The certificate that did not do; null when it never came to one.</param>
    public sealed record Refused(ImmutableArray<TlsFailure> Failures, PeerCertificate? Peer = null) : TlsOutcome;
}

/// <summary>Enough of a peer's certificate to prove later whose it was.</summary>
/// <param name="Sha256">SHA-256 of the DER encoding, lower-case hex.</param>
/// <param name="Names">The DNS names of the subjectAltName extension.</param>
/// <param name="SpkiSha256">SHA-256 of the DER encoding of its public key (SubjectPublicKeyInfo), lower-case hex.</param>
public sealed record PeerCertificate(
    string Subject,
    string Issuer,
    ImmutableArray<string> Names,
    DateTimeOffset NotBefore,
    DateTimeOffset NotAfter,
    string Sha256,
    string SpkiSha256 = "")
{
    public static PeerCertificate Describe(X509Certificate2 certificate)
    {
        ArgumentNullException.ThrowIfNull(certificate);
        return new PeerCertificate(
            certificate.Subject,
            certificate.Issuer,
            DnsNames(certificate),
            certificate.NotBefore.ToUniversalTime(),
            certificate.NotAfter.ToUniversalTime(),
            Convert.ToHexStringLower(SHA256.HashData(certificate.RawData)),
            Convert.ToHexStringLower(SHA256.HashData(certificate.PublicKey.ExportSubjectPublicKeyInfo())));
    }

    static ImmutableArray<string> DnsNames(X509Certificate2 certificate)
    {
        try
        {
            return [.. certificate.Extensions.OfType<X509SubjectAlternativeNameExtension>().SelectMany(extension => extension.EnumerateDnsNames())];
        }
        catch (CryptographicException)
        {
            // The peer chose these octets: an extension that is not DER names nobody.
            return [];
        }
    }
}
