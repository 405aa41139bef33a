using System.Collections.Immutable;
using System.Net.Security;
using System.Security.Cryptography.X509Certificates;

namespace Hopseal.Smtp.Tls;

/// <summary>A certificate that is ready to be shown, with everything OpenSSL needs prepared once.</summary>
public sealed class ServerCertificate
{
    /// <param name="chain">The leaf with its private key, then intermediates.</param>
    /// <param name="pem">See <see cref="Pem"/>.</param>
    internal ServerCertificate(X509Certificate2Collection chain, string? pem = null)
    {
        if (chain.Count == 0 || !chain[0].HasPrivateKey)
        {
            throw new ArgumentException("the first certificate needs its private key", nameof(chain));
        }

        // Offline: a handshake never waits for an OCSP responder or an AIA address.
        Context = SslStreamCertificateContext.Create(chain[0], [.. chain.Skip(1)], offline: true);
        Description = PeerCertificate.Describe(chain[0]);
        Sent = [chain[0], .. Context.IntermediateCertificates];
        Pem = pem;
    }

    public PeerCertificate Description { get; }

    /// <summary>What a client gets to see, leaf first. Not to be disposed of.</summary>
    public ImmutableArray<X509Certificate2> Sent { get; }

    /// <summary>The chain and, in it, the private key: a secret. Null when the certificate was made in memory.</summary>
    public string? Pem { get; }

    internal SslStreamCertificateContext Context { get; }

    /// <summary>The same leaf, and the same certificates with it.</summary>
    internal bool IsSameAs(ServerCertificate other) =>
        Sent.Length == other.Sent.Length && Sent.Zip(other.Sent).All(pair => pair.First.RawDataMemory.Span.SequenceEqual(pair.Second.RawDataMemory.Span));
}
