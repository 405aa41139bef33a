using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Hopseal.Audit.Tests;

/// <summary>Certificates of this run, in files as servers read them.</summary>
sealed class Keys : IDisposable
{
    readonly string _directory = Directory.CreateTempSubdirectory("hopseal-audit-").FullName;

    public Keys()
    {
        Open(_directory);
        using var rsa = RSA.Create(2048);
        Rsa = Write("rsa", new CertificateRequest("CN=mx.test", rsa, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1), rsa.ExportPkcs8PrivateKeyPem());
        using var ecdsa = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        Ecdsa = Write("ecdsa", new CertificateRequest("CN=mx.test", ecdsa, HashAlgorithmName.SHA256), ecdsa.ExportPkcs8PrivateKeyPem());
    }

    /// <summary>Certificate and key together.</summary>
    public string Rsa { get; }

    public string Ecdsa { get; }

    /// <summary>Readable by the users that mail programs run as.</summary>
    public string MakeDirectory(string name)
    {
        var path = Directory.CreateDirectory(Path.Combine(_directory, name)).FullName;
        Open(path);
        return path;
    }

    public string WriteFile(string name, string text)
    {
        var path = Path.Combine(_directory, name);
        File.WriteAllText(path, text);
        return path;
    }

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    static void Open(string path)
    {
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(
                path,
                UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute | UnixFileMode.GroupRead | UnixFileMode.GroupExecute
                | UnixFileMode.OtherRead | UnixFileMode.OtherExecute);
        }
    }

    string Write(string name, CertificateRequest request, string key)
    {
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName("mx.test");
        request.CertificateExtensions.Add(names.Build());
        var now = TimeProvider.System.GetUtcNow();
        using var certificate = request.CreateSelfSigned(now.AddHours(-1), now.AddDays(30));
        return WriteFile($"{name}.pem", $"{certificate.ExportCertificatePem()}\n{key}\n");
    }
}
