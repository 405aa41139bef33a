using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Hopseal.Smtp.Tls;

/// <summary>A certificate authority of our own, for the machine it was made on: local mode, the demo and tests. Nobody else
/// trusts it, and nobody should.</summary>
public sealed class LocalAuthority : IDisposable
{
    const string ServerAuthentication = "1.3.6.1.5.5.7.3.1";
    const string CertificateFile = "ca.pem";
    const string KeyFile = "ca-key.pem";
    const int AuthorityYears = 10;
    const int SerialOctets = 16;

    // Clocks of two machines differ; a certificate that is valid from yesterday is valid for both.
    static readonly TimeSpan s_backdating = TimeSpan.FromDays(1);
    static readonly TimeSpan s_renewBefore = TimeSpan.FromDays(30);

    readonly TimeProvider _clock;

    LocalAuthority(X509Certificate2 certificate, TimeProvider clock)
    {
        Certificate = certificate;
        _clock = clock;
    }

    /// <summary>Self-signed, with its private key.</summary>
    public X509Certificate2 Certificate { get; }

    /// <summary>ECDSA P-256, valid from a day ago for ten years; may sign intermediates.</summary>
    public static LocalAuthority Create(string name, TimeProvider clock)
    {
        ArgumentNullException.ThrowIfNull(clock);
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = Request(name, key);
        AddAuthorityExtensions(request);
        var from = clock.GetUtcNow() - s_backdating;
        return new LocalAuthority(request.CreateSelfSigned(from, from.AddYears(AuthorityYears)), clock);
    }

    /// <summary>Reads <c>ca.pem</c> and <c>ca-key.pem</c> in <paramref name="directory"/>, or makes them.</summary>
    /// <exception cref="IOException">The directory cannot be read or written.</exception>
    /// <exception cref="CryptographicException">A file holds something else.</exception>
    public static LocalAuthority LoadOrCreate(string directory, string name, TimeProvider clock)
    {
        var certificatePath = Path.Combine(directory, CertificateFile);
        var keyPath = Path.Combine(directory, KeyFile);
        if (File.Exists(certificatePath) && File.Exists(keyPath))
        {
            return new LocalAuthority(X509Certificate2.CreateFromPemFile(certificatePath, keyPath), clock);
        }

        var authority = Create(name, clock);
        authority.Save(directory);
        return authority;
    }

    /// <summary>Writes <c>ca.pem</c>, for those who are to trust it, and <c>ca-key.pem</c> with mode 0600.</summary>
    public void Save(string directory) =>
        Write(directory, CertificateFile, KeyFile, Certificate.ExportCertificatePem(), Certificate);

    /// <summary>An authority below this one.</summary>
    public LocalAuthority Intermediate(string name)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = Request(name, key);
        AddAuthorityExtensions(request);
        return new LocalAuthority(Sign(request, key, AuthorityYears), _clock);
    }

    /// <summary>A server certificate with its private key: ECDSA P-256, EKU serverAuth, valid from a day ago for a year.</summary>
    /// <param name="names">DNS names in A-labels, <c>*.</c> allowed, and IP addresses; at least one.</param>
    public X509Certificate2 Issue(params IReadOnlyList<string> names)
    {
        ArgumentNullException.ThrowIfNull(names);
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = Request(names[0], key);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(false, false, 0, critical: true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.DigitalSignature, critical: true));
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid(ServerAuthentication)], critical: false));
        request.CertificateExtensions.Add(AlternativeNames(names));
        return Sign(request, key, years: 1);
    }

    /// <summary>A pair of files in <paramref name="directory"/> for a server of these names: what is there, if it is of this
    /// authority, for these names and good for a month; else a new one. The key file has mode 0600.</summary>
    /// <param name="fileName">Without extension; <c>.pem</c> and <c>-key.pem</c> are added.</param>
    public CertificateFiles IssueFiles(string directory, string fileName, params IReadOnlyList<string> names)
    {
        ArgumentNullException.ThrowIfNull(names);
        var files = new CertificateFiles(Path.Combine(directory, fileName + ".pem"), Path.Combine(directory, fileName + "-key.pem"));
        if (!IsStillGood(files, names))
        {
            using var issued = Issue(names);
            Write(directory, fileName + ".pem", fileName + "-key.pem", issued.ExportCertificatePem(), issued);
        }

        return files;
    }

    public void Dispose() => Certificate.Dispose();

    bool IsStillGood(CertificateFiles files, IReadOnlyList<string> names)
    {
        if (!File.Exists(files.Chain) || !File.Exists(files.Key))
        {
            return false;
        }

        try
        {
            using var present = X509Certificate2.CreateFromPemFile(files.Chain, files.Key);
            using var chain = new X509Chain();
            chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
            chain.ChainPolicy.DisableCertificateDownloads = true;
            chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
            chain.ChainPolicy.CustomTrustStore.Add(Certificate);
            chain.ChainPolicy.VerificationTime = (_clock.GetUtcNow() + s_renewBefore).LocalDateTime;
            return chain.Build(present) && names.All(name => present.MatchesHostname(name, allowWildcards: false, allowCommonName: false));
        }
        catch (Exception error) when (error is CryptographicException or ArgumentException)
        {
            return false;
        }
    }

    X509Certificate2 Sign(CertificateRequest request, ECDsa key, int years)
    {
        request.CertificateExtensions.Add(X509AuthorityKeyIdentifierExtension.CreateFromCertificate(
            Certificate, includeKeyIdentifier: true, includeIssuerAndSerial: false));
        var from = _clock.GetUtcNow() - s_backdating;
        var until = from.AddYears(years);
        var issuerUntil = new DateTimeOffset(Certificate.NotAfter);
        var serial = RandomNumberGenerator.GetBytes(SerialOctets);
        serial[0] &= 0x7F; // a serial number is positive (RFC 5280 §4.1.2.2)
        using var signed = request.Create(Certificate, from, until < issuerUntil ? until : issuerUntil, serial);
        return signed.CopyWithPrivateKey(key);
    }

    static CertificateRequest Request(string name, ECDsa key)
    {
        var subject = new X500DistinguishedNameBuilder();
        subject.AddCommonName(name.Length <= 64 ? name : name[..64]); // ub-common-name, RFC 5280 appendix A.1
        return new CertificateRequest(subject.Build(), key, HashAlgorithmName.SHA256);
    }

    static void AddAuthorityExtensions(CertificateRequest request)
    {
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, critical: true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.CrlSign, critical: true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, critical: false));
    }

    static X509Extension AlternativeNames(IReadOnlyList<string> names)
    {
        var builder = new SubjectAlternativeNameBuilder();
        foreach (var name in names)
        {
            if (IPAddress.TryParse(name, out var address))
            {
                builder.AddIpAddress(address);
            }
            else
            {
                builder.AddDnsName(name);
            }
        }

        return builder.Build();
    }

    static void Write(string directory, string certificateFile, string keyFile, string certificatePem, X509Certificate2 certificate)
    {
        Directory.CreateDirectory(directory);
        using var key = certificate.GetECDsaPrivateKey()!;
        Replace(Path.Combine(directory, keyFile), key.ExportPkcs8PrivateKeyPem(), UnixFileMode.UserRead | UnixFileMode.UserWrite);
        Replace(
            Path.Combine(directory, certificateFile),
            certificatePem,
            UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.OtherRead);
    }

    /// <summary>Never leaves a half-written file, and never a key that others could read for a moment.</summary>
    static void Replace(string path, string content, UnixFileMode mode)
    {
        var candidate = path + ".new";
        File.Delete(candidate);
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = mode;
        }

        using (var writer = new StreamWriter(candidate, System.Text.Encoding.ASCII, options))
        {
            writer.Write(content);
            writer.Write('\n');
        }

        File.Move(candidate, path, overwrite: true);
    }
}
