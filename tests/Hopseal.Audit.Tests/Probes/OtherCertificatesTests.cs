using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Hopseal.Audit.Probes;
using Hopseal.Dns;
using Hopseal.Policy;
using Hopseal.Policy.Dane;

namespace Hopseal.Audit.Tests.Probes;

public sealed class OtherCertificatesTests : IDisposable
{
    readonly Keys _keys = new();
    readonly X509Certificate2 _rsa;
    readonly X509Certificate2 _ecdsa;

    public OtherCertificatesTests() =>
        (_rsa, _ecdsa) = (X509Certificate2.CreateFromPem(File.ReadAllText(_keys.Rsa)), X509Certificate2.CreateFromPem(File.ReadAllText(_keys.Ecdsa)));

    /// <summary>With a record for one key only, whoever is shown the other certificate cannot deliver.</summary>
    [Fact]
    public void A_certificate_without_a_record_is_named()
    {
        var (certificates, unmatched) = Of(Expecting(_rsa), null, [_rsa.RawData], [_ecdsa.RawData]);

        Assert.Equal(["RSA", "ECDSA"], certificates.Select(certificate => certificate.KeyKind));
        Assert.Equal([certificates[1].Fingerprint], unmatched);
    }

    [Fact]
    public void The_one_that_is_known_already_is_left_out()
    {
        var (certificates, unmatched) = Of(Expecting(_rsa), Convert.ToHexStringLower(SHA256.HashData(_ecdsa.RawData)), [_rsa.RawData], [_ecdsa.RawData]);

        Assert.Equal(["RSA"], certificates.Select(certificate => certificate.KeyKind));
        Assert.Empty(unmatched);
    }

    [Fact]
    public void Without_records_none_is_missing() => Assert.Empty(Of(new Expected(null, null), null, [_rsa.RawData], [_ecdsa.RawData]).Unmatched);

    [Fact]
    public void What_is_no_certificate_is_nothing() => Assert.Empty(Of(Expecting(_rsa), null, [[0x30, 0x03, 1, 2, 3]], [[]]).Certificates);

    public void Dispose()
    {
        _rsa.Dispose();
        _ecdsa.Dispose();
        _keys.Dispose();
    }

    static (ImmutableArray<Facts.CertificateFacts> Certificates, ImmutableArray<string> Unmatched) Of(
        Expected expected, string? shown, params byte[][][] chains) =>
        OtherCertificates.Of(
            [.. chains.Select(chain => chain.Select(der => (ReadOnlyMemory<byte>)der).ToImmutableArray())], shown, expected, new DaneCheck(TimeProvider.System));

    static Expected Expecting(X509Certificate2 certificate)
    {
        var name = DomainName.Parse("mx.test");
        var record = new TlsaRecord(3, 1, 1, [.. SHA256.HashData(certificate.PublicKey.ExportSubjectPublicKeyInfo())]);
        return new Expected(name, new TransportPolicy.Dane(name, [record], [name.Ascii], SecureMx: true));
    }
}
