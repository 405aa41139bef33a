using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Hopseal.Dns;

namespace Hopseal.Smtp.Tls;

/// <summary>As whom a certificate is shown.</summary>
enum CertificateSide
{
    Server,
    Client,
}

/// <summary>One pair of files, what was last seen in them, the certificate of them that is shown, and one that waits to be.</summary>
sealed class CertificateSource(CertificateFiles files, CertificateSide side = CertificateSide.Server)
{
    const string ClientAuthentication = "1.3.6.1.5.5.7.3.2"; // RFC 5280 §4.2.1.12

    const int MaxFileOctets = 1024 * 1024;

    // Of the content, or of the reason why there is none: so that the same trouble is reported once.
    byte[] _seen = [];
    bool _restored;
    ServerCertificate? _candidate;
    string? _toldWhy;

    public CertificateFiles Files => files;

    /// <summary>What is shown. Null as long as the files never held a usable certificate.</summary>
    public ServerCertificate? Certificate { get; private set; }

    /// <summary>Shows what was shown before a restart, whatever the files hold now. Returns why not, when the copy cannot be used.</summary>
    public CertificateReload.Kept? Restore(CertificateFiles copy, DateTimeOffset now)
    {
        var source = new CertificateSource(copy, side);
        var found = source.Look(now);
        Certificate = source.Certificate;
        _restored = Certificate is not null;
        return found as CertificateReload.Kept;
    }

    /// <summary>Null when nothing changed since the last look, or when what changed has to wait for <see cref="Decide"/>.</summary>
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
                _candidate = certificate;
                _toldWhy = null;
                return Certificate is null || Certificate.IsSameAs(certificate) ? Adopt(certificate, now) : null;
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

    /// <summary>Takes the certificate that waits, if any, or says once why not.</summary>
    public CertificateReload? Decide(CertificateRollover? rollover, Func<ServerCertificate, DomainName, bool> isShownFor, DateTimeOffset now)
    {
        if (_candidate is not { } candidate || Certificate is not { } shown)
        {
            return null;
        }

        var why = rollover?.WhyNotYet(new CertificateChange(files, shown, candidate, _restored, name => isShownFor(shown, name)));
        if (why is null)
        {
            return Adopt(candidate, now);
        }

        if (why == _toldWhy)
        {
            return null;
        }

        _toldWhy = why;
        return new CertificateReload.Waiting(files, candidate, shown, why);
    }

    /// <summary>Takes what is new at once.</summary>
    public CertificateReload? Renew(DateTimeOffset now) => Look(now) ?? Decide(null, static (_, _) => false, now);

    CertificateReload.Loaded Adopt(ServerCertificate certificate, DateTimeOffset now)
    {
        Certificate = certificate;
        _candidate = null;
        _restored = false;
        _toldWhy = null;
        return new CertificateReload.Loaded(files, certificate.Description, Warning(certificate, now));
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

            certificate = new ServerCertificate(certificates, Encoding.ASCII.GetString(chain) + "\n" + keyText);
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
