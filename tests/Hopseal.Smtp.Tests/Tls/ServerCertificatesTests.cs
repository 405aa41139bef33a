using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Hopseal.Smtp.Tls;
using Microsoft.Extensions.Time.Testing;

namespace Hopseal.Smtp.Tests.Tls;

public sealed class ServerCertificatesTests : IDisposable
{
    readonly LocalAuthority _authority = LocalAuthority.Create("test root", TimeProvider.System);
    readonly string _directory = Directory.CreateTempSubdirectory("hopseal-certificates-").FullName;

    public void Dispose()
    {
        _authority.Dispose();
        Directory.Delete(_directory, recursive: true);
    }

    string InDirectory(string name) => Path.Combine(_directory, name);

    CertificateFiles Write(string name, params string[] names)
    {
        var files = new CertificateFiles(InDirectory(name + ".pem"), InDirectory(name + ".key"));
        Overwrite(files, names);
        return files;
    }

    void Overwrite(CertificateFiles files, params string[] names)
    {
        using var certificate = _authority.Issue(names);
        File.WriteAllText(files.Chain, certificate.ExportCertificatePem());
        File.WriteAllText(files.Key, certificate.GetECDsaPrivateKey()!.ExportPkcs8PrivateKeyPem());
    }

    static string Chosen(ServerCertificates certificates, string? name) =>
        certificates.Choose(name).TargetCertificate.GetNameInfo(X509NameType.SimpleName, false);

    static string WhyKept(CertificateReload reload) => Assert.IsType<CertificateReload.Kept>(reload).Why;

    [Theory]
    [InlineData(null, "first.test")]
    [InlineData("unknown.test", "first.test")]
    [InlineData("second.test", "second.test")]
    [InlineData("also.second.test", "second.test")]
    [InlineData("mx.wild.test", "wild")]
    [InlineData("exact.wild.test", "exact.wild.test")]
    [InlineData("a.b.wild.test", "first.test")]
    [InlineData("wild.test", "first.test")]
    [InlineData("xn--bcher-kva.test", "idn")]
    public void The_certificate_is_chosen_by_name(string? name, string expected)
    {
        var certificates = ServerCertificates.FromCertificates(
            [_authority.Issue("first.test")],
            [_authority.Issue("second.test", "Also.Second.Test")],
            [_authority.Issue("wild", "*.wild.test")],
            [_authority.Issue("exact.wild.test")],
            [_authority.Issue("idn", "xn--bcher-kva.test")],
            [_authority.Issue("second.test", "second.test")]);
        Assert.Equal(expected, Chosen(certificates, name));
    }

    [Fact]
    public void What_is_loaded_is_described()
    {
        var files = Write("a", "a.test");
        var certificates = ServerCertificates.Load([files]);

        Assert.True(certificates.Available);
        var loaded = Assert.IsType<CertificateReload.Loaded>(Assert.Single(certificates.AtStart));
        Assert.Null(loaded.Warning);
        Assert.Equal(["a.test"], loaded.Certificate.Names);
        Assert.Equal(loaded.Certificate.Sha256, Assert.Single(certificates.Certificates).Sha256);
        Assert.Empty(certificates.Reload());
    }

    [Fact]
    public void A_renamed_file_is_taken_up_although_its_time_is_the_same()
    {
        var files = Write("a", "a.test");
        var certificates = ServerCertificates.Load([files]);
        var before = certificates.Choose(null);
        var time = File.GetLastWriteTimeUtc(files.Chain);

        var next = Write("next", "b.test");
        File.Move(next.Chain, files.Chain, overwrite: true);
        File.Move(next.Key, files.Key, overwrite: true);
        File.SetLastWriteTimeUtc(files.Chain, time);

        Assert.IsType<CertificateReload.Loaded>(Assert.Single(certificates.Reload()));
        Assert.Equal("b.test", Chosen(certificates, null));
        Assert.Equal("a.test", before.TargetCertificate.GetNameInfo(X509NameType.SimpleName, false));
        Assert.Empty(certificates.Reload());
    }

    [Fact]
    public void A_swapped_symbolic_link_to_a_directory_is_taken_up()
    {
        foreach (var version in new[] { "v1", "v2" })
        {
            Directory.CreateDirectory(InDirectory(version));
            Write(version + "/tls", version + ".test");
        }

        var link = InDirectory("..data");
        Directory.CreateSymbolicLink(link, "v1");
        var certificates = ServerCertificates.Load([new CertificateFiles(link + "/tls.pem", link + "/tls.key")]);
        Assert.Equal("v1.test", Chosen(certificates, null));

        Directory.Delete(link);
        Directory.CreateSymbolicLink(link, "v2");

        Assert.Single(certificates.Reload());
        Assert.Equal("v2.test", Chosen(certificates, null));
    }

    [Fact]
    public void Broken_files_keep_what_was_loaded_and_are_reported_once()
    {
        var files = Write("a", "a.test");
        var good = (Chain: File.ReadAllText(files.Chain), Key: File.ReadAllText(files.Key));
        var certificates = ServerCertificates.Load([files]);

        using var other = _authority.Issue("a.test");
        using var rsa = RSA.Create(2048);
        (string Chain, string Key, string Why)[] broken =
        [
            (good.Chain, other.GetECDsaPrivateKey()!.ExportPkcs8PrivateKeyPem(), "does not belong"),
            ("", good.Key, "no certificate in PEM form"),
            (good.Chain, "", "no private key"),
            (good.Chain, rsa.ExportPkcs8PrivateKeyPem(), "no private key"),
            (good.Chain, other.GetECDsaPrivateKey()!.ExportEncryptedPkcs8PrivateKeyPem("secret", new PbeParameters(PbeEncryptionAlgorithm.Aes256Cbc, HashAlgorithmName.SHA256, 1000)), "encrypted"),
            (good.Chain, "-----BEGIN EC PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\nAAAA\n-----END EC PRIVATE KEY-----\n", "encrypted"),
            (_authority.Certificate.ExportCertificatePem() + "\n" + good.Chain, good.Key, "certificate 2 of the chain file"),
            (new string('x', 1024 * 1024 + 1), good.Key, "larger than"),
            ("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", good.Key, "cannot be decoded"),
        ];
        foreach (var (chain, key, why) in broken)
        {
            File.WriteAllText(files.Chain, chain);
            File.WriteAllText(files.Key, key);
            Assert.Contains(why, WhyKept(Assert.Single(certificates.Reload())), StringComparison.Ordinal);
            Assert.Empty(certificates.Reload());
            Assert.Equal("a.test", Chosen(certificates, null));
        }

        File.Delete(files.Chain);
        Assert.Contains("find", WhyKept(Assert.Single(certificates.Reload())), StringComparison.Ordinal);
        Assert.Empty(certificates.Reload());

        File.WriteAllText(files.Chain, good.Chain);
        File.WriteAllText(files.Key, good.Key);
        Assert.IsType<CertificateReload.Loaded>(Assert.Single(certificates.Reload()));
    }

    [Fact]
    public void Files_that_are_broken_at_start_are_taken_up_when_they_are_repaired()
    {
        var files = new CertificateFiles(InDirectory("later.pem"), InDirectory("later.key"));
        var certificates = ServerCertificates.Load([files]);
        Assert.False(certificates.Available);
        WhyKept(Assert.Single(certificates.AtStart));

        Overwrite(files, "later.test");
        Assert.IsType<CertificateReload.Loaded>(Assert.Single(certificates.Reload()));
        Assert.True(certificates.Available);
    }

    [Fact]
    public void An_expired_certificate_is_loaded_with_a_warning()
    {
        var files = Write("a", "a.test");
        var clock = new FakeTimeProvider(TimeProvider.System.GetUtcNow().AddYears(2));
        var loaded = Assert.IsType<CertificateReload.Loaded>(Assert.Single(ServerCertificates.Load([files], clock).AtStart));
        Assert.Contains("expired", loaded.Warning, StringComparison.Ordinal);
    }
}
