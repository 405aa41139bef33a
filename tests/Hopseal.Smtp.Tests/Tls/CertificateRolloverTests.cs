using System.Security.Cryptography.X509Certificates;
using Hopseal.Dns;
using Hopseal.Smtp.Tls;

namespace Hopseal.Smtp.Tests.Tls;

public sealed class CertificateRolloverTests : IDisposable
{
    static readonly DomainName s_host = DomainName.Parse("mx.test");

    readonly LocalAuthority _authority = LocalAuthority.Create("test root", TimeProvider.System);
    readonly string _directory = Directory.CreateTempSubdirectory("hopseal-rollover-").FullName;
    readonly List<CertificateChange> _asked = [];
    string? _why = "not announced";
    CertificateFiles? _copy;

    CertificateFiles Files => new(Path.Combine(_directory, "mx.pem"), Path.Combine(_directory, "mx.key"));

    CertificateRollover Rollover => new()
    {
        ShownBefore = _ => _copy,
        WhyNotYet = change =>
        {
            _asked.Add(change);
            return _why;
        },
    };

    public void Dispose()
    {
        _authority.Dispose();
        Directory.Delete(_directory, recursive: true);
    }

    string Renew(string name = "mx.test")
    {
        using var certificate = _authority.Issue(name);
        File.WriteAllText(Files.Chain, certificate.ExportCertificatePem());
        File.WriteAllText(Files.Key, certificate.GetECDsaPrivateKey()!.ExportPkcs8PrivateKeyPem());
        return PeerCertificate.Describe(certificate).Sha256;
    }

    static string? Shown(ServerCertificates certificates) => certificates.ShownFor(s_host)?.Description.Sha256;

    [Fact]
    public void The_first_certificate_waits_for_nobody()
    {
        var first = Renew();
        var certificates = ServerCertificates.Load([Files], rollover: Rollover);
        Assert.Equal(first, Shown(certificates));
        Assert.Empty(_asked);
    }

    [Fact]
    public void A_renewed_certificate_waits_and_is_told_of_once_for_each_reason()
    {
        var first = Renew();
        var certificates = ServerCertificates.Load([Files], rollover: Rollover);
        var second = Renew();

        var waiting = Assert.IsType<CertificateReload.Waiting>(Assert.Single(certificates.Reload()));
        Assert.Equal((first, second, "not announced"), (waiting.Shown.Description.Sha256, waiting.Candidate.Description.Sha256, waiting.Why));
        Assert.Empty(certificates.Reload());
        Assert.Equal(first, Shown(certificates));

        _why = "too young";
        Assert.Equal("too young", Assert.IsType<CertificateReload.Waiting>(Assert.Single(certificates.Reload())).Why);

        _why = null;
        Assert.Equal(second, Assert.IsType<CertificateReload.Loaded>(Assert.Single(certificates.Reload())).Certificate.Sha256);
        Assert.Equal(second, Shown(certificates));
        Assert.Equal(4, _asked.Count);
    }

    [Fact]
    public void The_newest_of_several_renewals_is_the_one_that_waits()
    {
        Renew();
        var certificates = ServerCertificates.Load([Files], rollover: Rollover);
        Renew();
        certificates.Reload();
        var third = Renew();
        Assert.IsType<CertificateReload.Waiting>(Assert.Single(certificates.Reload()));
        _why = null;
        certificates.Reload();
        Assert.Equal(third, Shown(certificates));
    }

    [Fact]
    public void Broken_files_leave_the_one_that_waits_waiting()
    {
        Renew();
        var certificates = ServerCertificates.Load([Files], rollover: Rollover);
        var second = Renew();
        certificates.Reload();
        File.WriteAllText(Files.Chain, "broken");
        Assert.IsType<CertificateReload.Kept>(Assert.Single(certificates.Reload()));
        _why = null;
        Assert.IsType<CertificateReload.Loaded>(Assert.Single(certificates.Reload()));
        Assert.Equal(second, Shown(certificates));
    }

    [Fact]
    public void Files_that_hold_the_shown_certificate_again_end_the_waiting()
    {
        var first = Renew();
        var (chain, key) = (File.ReadAllText(Files.Chain), File.ReadAllText(Files.Key));
        var certificates = ServerCertificates.Load([Files], rollover: Rollover);
        Renew();
        certificates.Reload();
        File.WriteAllText(Files.Chain, chain);
        File.WriteAllText(Files.Key, key);
        Assert.IsType<CertificateReload.Loaded>(Assert.Single(certificates.Reload()));
        _why = null;
        Assert.Empty(certificates.Reload());
        Assert.Equal(first, Shown(certificates));
    }

    [Fact]
    public void A_copy_of_what_was_shown_before_a_restart_is_shown_until_its_successor_may()
    {
        var first = Renew();
        var copy = Path.Combine(_directory, "copy.pem");
        File.WriteAllText(copy, Assert.Single(ServerCertificates.Load([Files]).InUse).Certificate.Pem);
        _copy = new CertificateFiles(copy, copy);
        var second = Renew();

        var certificates = ServerCertificates.Load([Files], rollover: Rollover);
        Assert.IsType<CertificateReload.Waiting>(Assert.Single(certificates.AtStart));
        Assert.True(Assert.Single(_asked).Restored);
        Assert.Equal(first, Shown(certificates));

        _why = null;
        certificates.Reload();
        Assert.Equal(second, Shown(certificates));
    }

    [Fact]
    public void A_copy_that_cannot_be_used_is_told_of_and_left_aside()
    {
        var first = Renew();
        var copy = Path.Combine(_directory, "copy.pem");
        File.WriteAllText(copy, "not a certificate");
        _copy = new CertificateFiles(copy, copy);
        var certificates = ServerCertificates.Load([Files], rollover: Rollover);
        Assert.Collection(
            certificates.AtStart,
            change => Assert.Equal(copy, Assert.IsType<CertificateReload.Kept>(change).Files.Chain),
            change => Assert.IsType<CertificateReload.Loaded>(change));
        Assert.Equal(first, Shown(certificates));
    }

    [Fact]
    public void Whoever_decides_learns_for_which_names_the_certificate_is_shown()
    {
        var other = new CertificateFiles(Path.Combine(_directory, "other.pem"), Path.Combine(_directory, "other.pem"));
        using (var certificate = _authority.Issue("other.test"))
        {
            File.WriteAllText(other.Chain, certificate.ExportCertificatePem() + "\n" + certificate.GetECDsaPrivateKey()!.ExportPkcs8PrivateKeyPem());
        }

        Renew();
        var certificates = ServerCertificates.Load([Files, other], rollover: Rollover);
        Renew();
        certificates.Reload();
        var asked = Assert.Single(_asked);
        Assert.Equal(Files, asked.Files);
        Assert.True(asked.IsShownFor(s_host));
        Assert.True(asked.IsShownFor(DomainName.Parse("unknown.test")));
        Assert.False(asked.IsShownFor(DomainName.Parse("other.test")));
    }
}
