using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Hopseal.Audit.Facts;
using Hopseal.Policy.Dane;
using Hopseal.Smtp.Tls;

namespace Hopseal.Audit.Probes;

/// <summary>Certificates that a server shows to some clients only. A DANE sender that is shown one of these needs a record for it, too
/// (RFC 7671 §8).</summary>
static class OtherCertificates
{
    /// <param name="chains">DER, the server's own first. They come without a proof that the server holds the key.</param>
    /// <param name="shown">Fingerprint of the one that is known already.</param>
    /// <returns>What they are, and the fingerprints of those that no TLSA record matches.</returns>
    public static (ImmutableArray<CertificateFacts> Certificates, ImmutableArray<string> Unmatched) Of(
        ImmutableArray<ImmutableArray<ReadOnlyMemory<byte>>> chains, string? shown, Expected expected, DaneCheck dane)
    {
        var certificates = ImmutableArray.CreateBuilder<CertificateFacts>();
        var unmatched = ImmutableArray.CreateBuilder<string>();
        foreach (var chain in chains)
        {
            var loaded = Load(chain);
            try
            {
                if (loaded is not [var leaf, ..] || Certificates.Describe(leaf) is not { } facts || facts.Fingerprint == shown)
                {
                    continue;
                }

                certificates.Add(facts);
                if (expected.Dane is { } policy
                    && dane.Judge(new PeerChain(leaf, loaded, expected.Name?.Ascii ?? ""), policy).Identity is not (PeerIdentity.DaneEe or PeerIdentity.DaneTa))
                {
                    unmatched.Add(facts.Fingerprint);
                }
            }
            finally
            {
                foreach (var certificate in loaded)
                {
                    certificate.Dispose();
                }
            }
        }

        return (certificates.ToImmutable(), unmatched.ToImmutable());
    }

    /// <summary>Up to the first that is no certificate.</summary>
    static ImmutableArray<X509Certificate2> Load(ImmutableArray<ReadOnlyMemory<byte>> chain)
    {
        var loaded = ImmutableArray.CreateBuilder<X509Certificate2>();
        foreach (var der in chain)
        {
            try
            {
                loaded.Add(X509CertificateLoader.LoadCertificate(der.Span));
            }
            catch (CryptographicException)
            {
                // The peer chose these octets: what is behind them is not part of a chain.
                break;
            }
        }

        return loaded.ToImmutable();
    }
}
