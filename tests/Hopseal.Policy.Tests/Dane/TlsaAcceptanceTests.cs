using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Hopseal.Dns;
using Hopseal.Policy.Dane;
using Hopseal.Smtp.Tls;
using Microsoft.Extensions.Time.Testing;

namespace Hopseal.Policy.Tests.Dane;

public sealed class TlsaAcceptanceTests : IDisposable
{
    static readonly DomainName s_host = DomainName.Parse("mx.example.org");
    static readonly DateTimeOffset s_now = new(2026, 5, 1, 0, 0, 0, TimeSpan.Zero);

    readonly string _directory = Directory.CreateTempSubdirectory("hopseal-acceptance-").FullName;
    readonly TestAuthority _authority = TestAuthority.Root("root", s_now.AddYears(-1), s_now.AddYears(1)).Intermediate("intermediate");
    readonly TlsaAcceptance _acceptance = new(new DaneCheck(new FakeTimeProvider(s_now)));

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    ServerCertificate Served(X509Certificate2 leaf, ECDsa key)
    {
        var path = Path.Combine(_directory, "mx.pem");
        File.WriteAllText(path, leaf.ExportCertificatePem() + "\n" + _authority.Certificate.ExportCertificatePem() + "\n" + key.ExportPkcs8PrivateKeyPem());
        return ServerCertificates.Load([new CertificateFiles(path, path)]).ShownFor(s_host)!;
    }

    ServerCertificate Leaf()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=mx", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName(s_host.Ascii);
        request.CertificateExtensions.Add(names.Build());
        using var leaf = request.Create(_authority.Certificate, s_now.AddDays(-1), s_now.AddDays(30), RandomNumberGenerator.GetBytes(8));
        return Served(leaf, key);
    }

    static PublishedTlsa Published(params TlsaRecord[] records) => PublishedTlsa.Nothing(s_host).With(
        new DnsAnswer<TlsaRecord>.Found([.. records], s_host, DnssecStatus.Secure, TimeSpan.FromHours(1)), s_now);

    static TlsaRecord Digest(byte usage, byte selector, byte[] data) => new(usage, selector, 1, [.. SHA256.HashData(data)]);

    [Fact]
    public void A_certificate_is_accepted_by_its_key_by_itself_and_by_its_authority()
    {
        var shown = Leaf();
        var other = Leaf();
        var own = OwnKey.Of(shown.Sent[0]).Record;
        var whole = Digest(3, 0, shown.Sent[0].RawData);
        var authority = Digest(2, 1, _authority.Certificate.PublicKey.ExportSubjectPublicKeyInfo());
        foreach (var record in (TlsaRecord[])[own, whole, authority])
        {
            Assert.True(_acceptance.Accepts(s_host, [OwnKey.Of(other.Sent[0]).Record with { Data = [.. new byte[32]] }, record], shown), $"{record}");
        }

        // Whoever publishes his authority may renew as he likes.
        Assert.True(_acceptance.Accepts(s_host, [authority], other));
        Assert.False(_acceptance.Accepts(s_host, [own], other));
        Assert.False(_acceptance.Accepts(s_host, [whole], other));
    }

    [Fact]
    public void How_a_certificate_stands_to_what_is_published()
    {
        var shown = Leaf();
        var own = OwnKey.Of(shown.Sent[0]).Record;
        var foreign = own with { Data = [.. new byte[32]] };
        var unusable = own with { Usage = 1 };
        Assert.Equal(TlsaStanding.Unknown, _acceptance.StandingOf(PublishedTlsa.Nothing(s_host), shown));
        Assert.Equal(TlsaStanding.Matches, _acceptance.StandingOf(Published(foreign, own), shown));
        Assert.Equal(TlsaStanding.MatchesNone, _acceptance.StandingOf(Published(foreign, unusable), shown));
        Assert.Equal(TlsaStanding.MatchesNone, _acceptance.StandingOf(Published(own), null));
        Assert.Equal(TlsaStanding.Unusable, _acceptance.StandingOf(Published(unusable), shown));
        Assert.Equal(TlsaStanding.Absent, _acceptance.StandingOf(Published(own).With(new DnsAnswer<TlsaRecord>.NoData(DnssecStatus.Secure), s_now), shown));
        Assert.Equal(
            TlsaStanding.Unsigned,
            _acceptance.StandingOf(
                Published(own).With(new DnsAnswer<TlsaRecord>.Found([own], s_host, DnssecStatus.Insecure, TimeSpan.FromHours(1)), s_now), shown));
    }

    [Theory]
    [InlineData(3, 1, 1, 32, null)]
    [InlineData(2, 0, 2, 64, null)]
    [InlineData(0, 1, 1, 32, "usage 0 means nothing to mail servers (RFC 7672 §3.1.3)")]
    [InlineData(1, 1, 1, 32, "usage 1 means nothing to mail servers (RFC 7672 §3.1.3)")]
    [InlineData(4, 1, 1, 32, "usage 4 is not assigned")]
    [InlineData(3, 2, 1, 32, "selector 2 is not assigned")]
    [InlineData(3, 1, 3, 32, "matching type 3 is not assigned")]
    [InlineData(3, 1, 1, 31, "SHA-256 has 32 octets, not 31")]
    [InlineData(3, 1, 2, 32, "SHA-512 has 64 octets, not 32")]
    [InlineData(3, 0, 0, 10, "its data is no certificate")]
    [InlineData(3, 1, 0, 0, "its data is no public key")]
    public void Why_senders_ignore_a_record(byte usage, byte selector, byte matching, int octets, string? expected) =>
        Assert.Equal(expected, TlsaAcceptance.FaultOf(new TlsaRecord(usage, selector, matching, [.. new byte[octets]])));
}
