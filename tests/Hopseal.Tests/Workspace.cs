using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Hopseal.Tests;

/// <summary>A directory of its own for one test, with a certificate for mx1.example.org in it when asked for.</summary>
sealed class Workspace : IDisposable
{
    public string Directory { get; } = System.IO.Directory.CreateTempSubdirectory("hopseal-test-").FullName;

    public string PathOf(string name) => Path.Combine(Directory, name);

    public string Write(string name, string content)
    {
        File.WriteAllText(PathOf(name), content);
        return PathOf(name);
    }

    /// <summary>A file only its owner reads.</summary>
    public void WriteSecret(string name, string content)
    {
        Write(name, content);
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(PathOf(name), UnixFileMode.UserRead | UnixFileMode.UserWrite);
        }
    }

    /// <summary>Writes <paramref name="stem"/>.pem and <paramref name="stem"/>.key; self-signed.</summary>
    public X509Certificate2 WriteCertificate(string stem, string dnsName = "mx1.example.org", int validDays = 365)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={dnsName}", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName(dnsName);
        request.CertificateExtensions.Add(names.Build());
        var now = TimeProvider.System.GetUtcNow();
        var certificate = request.CreateSelfSigned(now.AddDays(-400), now.AddDays(validDays));
        Write(stem + ".pem", certificate.ExportCertificatePem());
        Write(stem + ".key", key.ExportPkcs8PrivateKeyPem());
        return certificate;
    }

    public void Dispose() => System.IO.Directory.Delete(Directory, recursive: true);
}
