using System.Collections.Immutable;

namespace Hopseal.Smtp.Tls;

/// <param name="Chain">A PEM file: leaf first, then intermediates.</param>
/// <param name="Key">A PEM file with the leaf's private key.</param>
public sealed record CertificateFiles(string Chain, string Key);

/// <summary>What one look at the files found.</summary>
public abstract record CertificateReload
{
    CertificateReload()
    {
    }

    public sealed record Loaded(CertificateFiles Files, PeerCertificate Certificate) : CertificateReload;

    /// <summary>The files changed and cannot be used; what was loaded before is kept.</summary>
    public sealed record Kept(CertificateFiles Files, string Why) : CertificateReload;
}

/// <summary>The certificates a server shows, chosen by SNI; the first is the default.</summary>
public sealed class ServerCertificates
{
    /// <summary>Whether there is at least one certificate to show: without, STARTTLS is not offered.</summary>
    public bool Available => throw new NotImplementedException();

    public static ServerCertificates Load(IReadOnlyList<CertificateFiles> files) => throw new NotImplementedException();

    /// <summary>Looks at the content of every file, and swaps what changed; connections in progress keep what they have.
    /// Returns only changes.</summary>
    public ImmutableArray<CertificateReload> Reload() => throw new NotImplementedException();
}
