using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Hopseal.Smtp.Tls;

namespace Hopseal.Smtp.Tests.Tls;

public sealed class ClientCertificatesTests : IDisposable
{
    const string ForServers = "1.3.6.1.5.5.7.3.1";
    const string ForClients = "1.3.6.1.5.5.7.3.2";

    readonly string _directory = Directory.CreateTempSubdirectory("hopseal-test-").FullName;
    readonly CertificateFiles _files;

    public ClientCertificatesTests() => _files = new CertificateFiles(Path.Combine(_directory, "client.pem"), Path.Combine(_directory, "client.key"));

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public void It_is_prepared_once_and_anew_when_its_files_change()
    {
        var first = Write();
        var certificates = ClientCertificates.Load([_files, _files with { }]);
        Assert.IsType<CertificateReload.Loaded>(Assert.Single(certificates.AtStart));
        var context = certificates.Find(_files)!;
        Assert.Equal(first, context.TargetCertificate.Thumbprint);
        Assert.Empty(certificates.Reload());
        Assert.Same(context, certificates.Find(_files));

        var second = Write();
        Assert.IsType<CertificateReload.Loaded>(Assert.Single(certificates.Reload()));
        Assert.Equal(second, certificates.Find(_files)!.TargetCertificate.Thumbprint);

        File.WriteAllText(_files.Key, "garbage");
        Assert.IsType<CertificateReload.Kept>(Assert.Single(certificates.Reload()));
        Assert.Equal(second, certificates.Find(_files)!.TargetCertificate.Thumbprint);
    }

    [Fact]
    public void What_cannot_be_loaded_is_not_shown_until_it_is_repaired()
    {
        var certificates = ClientCertificates.Load([_files]);
        Assert.IsType<CertificateReload.Kept>(Assert.Single(certificates.AtStart));
        Assert.Null(certificates.Find(_files));
        Assert.Null(certificates.Find(new CertificateFiles("other.pem", "other.key")));
        Write();
        Assert.Single(certificates.Reload());
        Assert.NotNull(certificates.Find(_files));
    }

    [Theory]
    [InlineData(null, null)]
    [InlineData(ForClients, null)]
    [InlineData(ForServers, "is not for TLS clients (extendedKeyUsage): servers that look will refuse it")]
    public void One_that_is_not_for_clients_is_a_warning_and_needs_no_name(string? usage, string? expected)
    {
        Write(usage);
        Assert.Equal(expected, Assert.IsType<CertificateReload.Loaded>(Assert.Single(ClientCertificates.Load([_files]).AtStart)).Warning);
    }

    /// <summary>Names no host. Returns its thumbprint.</summary>
    string Write(string? usage = null)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=gateway", key, HashAlgorithmName.SHA256);
        if (usage is not null)
        {
            request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid(usage)], false));
        }

        var now = TimeProvider.System.GetUtcNow();
        using var certificate = request.CreateSelfSigned(now.AddDays(-1), now.AddDays(365));
        File.WriteAllText(_files.Chain, certificate.ExportCertificatePem());
        File.WriteAllText(_files.Key, key.ExportPkcs8PrivateKeyPem());
        return certificate.Thumbprint;
    }
}
