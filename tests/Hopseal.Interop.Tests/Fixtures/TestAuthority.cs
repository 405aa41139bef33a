using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Hopseal.Interop.Tests.Fixtures;

/// <summary>PEM files, as a mail server's configuration names them.</summary>
sealed record CertificatePaths(string Chain, string Key);

/// <summary>A certificate authority for one test run.</summary>
sealed class TestAuthority : IDisposable
{
    readonly TestDirectory _directory;
    readonly X509Certificate2 _root;

    public TestAuthority(TestDirectory directory)
    {
        _directory = directory;
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=Interop test root", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.CrlSign, true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, false));
        var now = TimeProvider.System.GetUtcNow();
        _root = request.CreateSelfSigned(now.AddHours(-1), now.AddDays(60));
        RootPath = directory.Write("root.pem", _root.ExportCertificatePem());
    }

    public string RootPath { get; }

    public X509Certificate2 Root => _root;

    /// <summary>For the name and for 127.0.0.1.</summary>
    /// <param name="until">When it expires; with the root if not given.</param>
    public CertificatePaths Issue(string name, DateTimeOffset? until = null)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName(name);
        names.AddIpAddress(IPAddress.Loopback);
        request.CertificateExtensions.Add(names.Build());
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(false, false, 0, true));
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid("1.3.6.1.5.5.7.3.1")], false));
        using var certificate = request.Create(_root, _root.NotBefore, until ?? _root.NotAfter.AddMinutes(-1), RandomNumberGenerator.GetBytes(12));
        return new CertificatePaths(
            _directory.Write($"{name}.crt", certificate.ExportCertificatePem()),
            _directory.Write($"{name}.key", key.ExportPkcs8PrivateKeyPem()));
    }

    public void Dispose() => _root.Dispose();
}
