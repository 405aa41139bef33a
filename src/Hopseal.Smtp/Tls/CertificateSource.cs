using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace Hopseal.Smtp.Tls;

/// <summary>A certificate that is ready to be shown, with everything OpenSSL needs prepared once.</summary>
sealed class ServerCertificate
{
    /// <param name="chain">The leaf with its private key, then intermediates.</param>
    public ServerCertificate(X509Certificate2Collection chain)
    {
        if (chain.Count == 0 || !chain[0].HasPrivateKey)
        {
            throw new ArgumentException("the first certificate needs its private key", nameof(chain));
        }

        // Offline: a handshake never waits for an OCSP responder or an AIA address.
        Context = SslStreamCertificateContext.Create(chain[0], [.. chain.Skip(1)], offline: true);
        Description = PeerCertificate.Describe(chain[0]);
    }

    public SslStreamCertificateContext Context { get; }

    public PeerCertificate Description { get; }
}

/// <summary>As whom a certificate is shown.</summary>
enum CertificateSide
{
    Server,
    Client,
}

/// <summary>One pair of files, what was last seen in them, and the last certificate that could be made of them.</summary>
sealed class CertificateSource(CertificateFiles files, CertificateSide side = CertificateSide.Server)
{
    const string ClientAuthentication = "1.3.6.1.5.5.7.3.2"; // RFC 5280 §4.2.1.12

    const int MaxFileOctets = 1024 * 1024;

    // Of the content, or of the reason why there is none: so that the same trouble is reported once.
    byte[] _seen = [];

    /// <summary>Null as long as the files never held a usable certificate.</summary>
    public ServerCertificate? Certificate { get; private set; }

    /// <summary>Null when nothing changed since the last look.</summary>
    public CertificateReload? Look(DateTimeOffset now)
    {
        string why;
        byte[] seen;
        try
        {
            var chain = Read(files.Chain);
            var key = Read(files.Key);
            seen = SHA256.HashData([.. SHA256.HashData(chain), .. SHA256.HashData(key)]);
            if (seen.AsSpan().SequenceEqual(_seen))
            {
                return null;
            }

            why = "";
            if (TryParse(chain, key, out var certificate, ref why))
            {
                _seen = seen;
                Certificate = certificate;
                return new CertificateReload.Loaded(files, certificate.Description, Warning(certificate, now));
            }
        }
        catch (Exception error) when (
            error is IOException or UnauthorizedAccessException or InvalidDataException or NotSupportedException or ArgumentException)
        {
            why = error.Message;
            seen = SHA256.HashData(Encoding.UTF8.GetBytes(why));
        }

        var known = seen.AsSpan().SequenceEqual(_seen);
        _seen = seen;
        return known ? null : new CertificateReload.Kept(files, why);
    }

    static bool TryParse(
        byte[] chain, byte[] key, [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out ServerCertificate? certificate, ref string why)
    {
        certificate = null;
        try
        {
            var keyText = Encoding.ASCII.GetString(key);
            if (IsEncrypted(keyText))
            {
                why = "the private key is encrypted; the gateway has nobody to ask for the passphrase";
                return false;
            }

            var certificates = new X509Certificate2Collection();
            certificates.ImportFromPem(Encoding.ASCII.GetString(chain));
            if (certificates.Count == 0)
            {
                why = "the chain file holds no certificate in PEM form";
                return false;
            }

            if (!TryPair(certificates, keyText, ref why))
            {
                return false;
            }

            certificate = new ServerCertificate(certificates);
            return true;
        }
        catch (CryptographicException error)
        {
            why = $"a certificate cannot be decoded: {error.Message}";
            return false;
        }
    }

    /// <summary>Puts the private key to the leaf.</summary>
    static bool TryPair(X509Certificate2Collection certificates, string keyText, ref string why)
    {
        if (TryWithKey(certificates[0], keyText, out var missing) is { } leaf)
        {
            certificates[0] = leaf;
            return true;
        }

        var owner = certificates.Skip(1).Select((certificate, index) => (certificate, index)).FirstOrDefault(
            pair => TryWithKey(pair.certificate, keyText, out _) is not null);
        why = (missing, owner.certificate) switch
        {
            (true, _) => "the key file holds no private key in PEM form that fits the certificate's algorithm",
            (_, null) => "the private key does not belong to the certificate",
            _ => $"the private key belongs to certificate {owner.index + 2} of the chain file; the leaf must come first",
        };
        return false;
    }

    static X509Certificate2? TryWithKey(X509Certificate2 certificate, string keyText, out bool missing)
    {
        missing = false;
        try
        {
            return X509Certificate2.CreateFromPem(certificate.ExportCertificatePem(), keyText);
        }
        catch (ArgumentException)
        {
            return null;
        }
        catch (CryptographicException)
        {
            missing = true;
            return null;
        }
    }

    /// <summary>PKCS #8 (RFC 5958 §3) or the traditional form of OpenSSL (RFC 1421 §4.6.1.1).</summary>
    static bool IsEncrypted(string key) =>
        key.Contains("-----BEGIN ENCRYPTED PRIVATE KEY-----", StringComparison.Ordinal)
        || key.Contains("Proc-Type: 4,ENCRYPTED", StringComparison.Ordinal);

    string? Warning(ServerCertificate certificate, DateTimeOffset now) => certificate.Description switch
    {
        var shown when shown.NotAfter <= now => $"expired on {shown.NotAfter:yyyy-MM-dd}",
        var shown when shown.NotBefore > now => $"not valid before {shown.NotBefore:yyyy-MM-dd}",
        { Names.IsEmpty: true } when side is CertificateSide.Server => "names no host in its subjectAltName: no client can verify it",
        _ when side is CertificateSide.Client && !IsForClients(certificate.Context.TargetCertificate) =>
            "is not for TLS clients (extendedKeyUsage): servers that look will refuse it",
        _ => null,
    };

    static bool IsForClients(X509Certificate2 certificate)
    {
        var usages = certificate.Extensions.OfType<X509EnhancedKeyUsageExtension>().ToArray();
        return usages.Length == 0 || usages.Any(usage => usage.EnhancedKeyUsages.Cast<Oid>().Any(oid => oid.Value == ClientAuthentication));
    }

    static byte[] Read(string path)
    {
        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        var buffer = new byte[Math.Clamp(file.Length, 0, MaxFileOctets) + 1];
        var length = file.ReadAtLeast(buffer, buffer.Length, throwOnEndOfStream: false);
        return length < buffer.Length
            ? buffer[..length]
            : throw new InvalidDataException($"{path} is larger than {MaxFileOctets} octets, or is being written to");
    }
}
