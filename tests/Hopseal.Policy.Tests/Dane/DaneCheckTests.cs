using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using FsCheck.Xunit;
using Hopseal.Dns;
using Hopseal.Policy.Dane;
using Hopseal.Smtp.Tls;
using Microsoft.Extensions.Time.Testing;

namespace Hopseal.Policy.Tests.Dane;

public sealed class DaneCheckTests
{
    const string Host = "mx.example.org";

    static readonly DateTimeOffset s_now = new(2031, 5, 1, 0, 0, 0, TimeSpan.Zero);
    static readonly TestAuthority s_root = TestAuthority.Root("Root", s_now.AddYears(-5), s_now.AddYears(5));
    static readonly TestAuthority s_upper = s_root.Intermediate("Upper");
    static readonly TestAuthority s_lower = s_upper.Intermediate("Lower");
    static readonly TestAuthority s_other = TestAuthority.Root("Other", s_now.AddYears(-5), s_now.AddYears(5));
    static readonly X509Certificate2 s_leaf = s_lower.Leaf([Host]);

    readonly FakeTimeProvider _clock = new(s_now);

    public static TheoryData<byte, byte> Forms => new(
        from selector in new byte[] { 0, 1 }
        from matching in new byte[] { 0, 1, 2 }
        select (selector, matching));

    [Theory]
    [MemberData(nameof(Forms))]
    public void The_certificate_itself_matches_in_every_form(byte selector, byte matching)
    {
        Assert.Equal("DaneEe", Judge([Record(3, selector, matching, s_leaf)], s_leaf));
        Assert.Equal("TlsaInvalid no-tlsa-match", Judge([Record(3, selector, matching, s_root.Leaf([Host]))], s_leaf));
    }

    [Theory]
    [MemberData(nameof(Forms))]
    public void An_authority_matches_in_every_form(byte selector, byte matching)
    {
        foreach (var authority in new[] { s_root, s_upper, s_lower })
        {
            Assert.Equal("DaneTa", Judge([Record(2, selector, matching, authority.Certificate)], s_leaf, s_lower, s_upper, s_root));
        }

        Assert.Equal(
            "TlsaInvalid no-tlsa-match", Judge([Record(2, selector, matching, s_other.Certificate)], s_leaf, s_lower, s_upper, s_root));
    }

    [Fact]
    public void The_selector_is_the_key_as_openssl_prints_it_for_every_kind_of_key()
    {
        using var rsa = RSA.Create(2048);
        using var p384 = ECDsa.Create(ECCurve.NamedCurves.nistP384);
        CertificateRequest[] requests =
        [
            new("CN=rsa", rsa, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1),
            new("CN=pss", rsa, HashAlgorithmName.SHA256, RSASignaturePadding.Pss),
            new("CN=p384", p384, HashAlgorithmName.SHA384),
        ];
        foreach (var request in requests)
        {
            using var certificate = request.CreateSelfSigned(s_now.AddDays(-1), s_now.AddDays(1));
            Assert.Equal(request.PublicKey.ExportSubjectPublicKeyInfo(), CertificateKey.Encoded(certificate).ToArray());
        }
    }

    // RFC 7671 §5.1
    [Fact]
    public void Usage_3_ignores_names_dates_issuer_and_purpose()
    {
        X509Certificate2[] leaves =
        [
            s_lower.Leaf(["elsewhere.test"]),
            s_lower.Leaf([]),
            s_lower.Leaf([Host], to: s_now.AddYears(-1)),
            s_lower.Leaf([Host], from: s_now.AddYears(1)),
            s_lower.Leaf([Host], TestAuthority.ClientAuthentication),
            TestAuthority.SelfSignedLeaf("self.test", s_now.AddYears(-3), s_now.AddYears(-2)),
        ];
        Assert.All(leaves, leaf => Assert.Equal("DaneEe", Judge([Record(3, 1, 1, leaf)], leaf)));
    }

    [Fact]
    public void Usage_2_is_for_a_name_and_in_time()
    {
        var record = Record(2, 0, 1, s_lower.Certificate);
        Assert.Equal("CertificateHostMismatch name-mismatch", Judge([record], s_lower.Leaf(["elsewhere.test"]), s_lower));
        Assert.Equal("DaneTa", Judge([record], s_lower.Leaf(["example.org"]), s_lower));
        Assert.Equal("DaneTa", Judge([record], s_lower.Leaf(["*.example.org"]), s_lower));
        Assert.Equal("CertificateExpired expired", Judge([record], s_lower.Leaf([Host], to: s_now.AddDays(-1)), s_lower));
        Assert.Equal("CertificateExpired not-yet-valid", Judge([record], s_lower.Leaf([Host], from: s_now.AddDays(1)), s_lower));
        Assert.Equal("CertificateNotTrusted wrong-usage", Judge([record], s_lower.Leaf([Host], TestAuthority.ClientAuthentication), s_lower));
        var expired = s_root.Intermediate("Expired", s_now.AddDays(-1));
        Assert.Equal("CertificateExpired issuer-expired", Judge([Record(2, 0, 1, expired.Certificate)], expired.Leaf([Host], to: s_now.AddYears(1)), expired));
        Assert.Equal("CertificateExpired issuer-expired", Judge([Record(2, 0, 1, s_root.Certificate)], expired.Leaf([Host], to: s_now.AddYears(1)), expired, s_root));
    }

    [Fact]
    public void What_is_above_the_authority_does_not_matter()
    {
        var expired = TestAuthority.Root("Expired", s_now.AddYears(-5), s_now.AddDays(-1));
        var under = expired.Intermediate("Under", s_now.AddYears(1));
        var leaf = under.Leaf([Host], to: s_now.AddYears(1));
        Assert.Equal("DaneTa", Judge([Record(2, 1, 1, under.Certificate)], leaf, under, expired));
        Assert.Equal("DaneTa", Judge([Record(2, 1, 1, under.Certificate)], leaf, under));
        Assert.Equal("CertificateExpired issuer-expired", Judge([Record(2, 1, 1, expired.Certificate)], leaf, under, expired));
    }

    [Fact]
    public void An_authority_that_is_sent_and_did_not_issue_the_certificate_proves_nothing()
    {
        Assert.Equal("CertificateNotTrusted not-issued-by-anchor", Judge([Record(2, 0, 1, s_other.Certificate)], s_leaf, s_lower, s_other));
        // The same names, other keys: whoever forges a chain can put the real authority into it.
        var root = TestAuthority.Root("Root", s_now.AddYears(-5), s_now.AddYears(5));
        var forged = root.Intermediate("Upper");
        var leaf = forged.Leaf([Host]);
        Assert.Equal("CertificateNotTrusted", Judge([Record(2, 0, 1, s_root.Certificate)], leaf, forged, s_root).Split(' ')[0]);
        Assert.Equal("CertificateNotTrusted", Judge([Record(2, 0, 1, s_upper.Certificate)], leaf, s_upper, s_root).Split(' ')[0]);
        Assert.NotEqual("DaneTa", Judge([Record(2, 0, 0, s_upper.Certificate)], leaf, forged));
        Assert.NotEqual("DaneTa", Judge([Record(2, 1, 0, s_upper.Certificate)], leaf, forged));
    }

    [Fact]
    public void Who_may_not_issue_certificates_is_no_link_and_no_authority()
    {
        var pretender = s_lower.Intermediate("Pretender", authority: false);
        var leaf = pretender.Leaf([Host]);
        Assert.StartsWith("CertificateNotTrusted", Judge([Record(2, 0, 1, s_lower.Certificate)], leaf, pretender, s_lower), StringComparison.Ordinal);
        Assert.StartsWith("CertificateNotTrusted", Judge([Record(2, 0, 1, pretender.Certificate)], leaf, pretender), StringComparison.Ordinal);
        Assert.StartsWith("CertificateNotTrusted", Judge([Record(2, 0, 0, pretender.Certificate)], leaf), StringComparison.Ordinal);
    }

    [Fact]
    public void A_digest_means_what_was_sent_and_full_data_needs_nothing_sent()
    {
        Assert.Equal("TlsaInvalid no-tlsa-match", Judge([Record(2, 0, 1, s_upper.Certificate)], s_leaf, s_lower));
        Assert.Equal("DaneTa", Judge([Record(2, 0, 0, s_upper.Certificate)], s_leaf, s_lower));
        Assert.Equal("DaneTa", Judge([Record(2, 1, 0, s_upper.Certificate)], s_leaf, s_lower));
        Assert.Equal("DaneTa", Judge([Record(2, 1, 0, s_lower.Certificate)], s_leaf));
        Assert.Equal("TlsaInvalid no-tlsa-match", Judge([Record(2, 0, 0, s_upper.Certificate)], s_leaf));
    }

    [Fact]
    public void Authorities_without_number_are_not_all_tried()
    {
        TlsaRecord[] keys = [.. Enumerable.Range(0, 40).Select(_ => Record(2, 1, 0, s_root.Leaf([Host])))];
        using var anchors = TrustAnchors.Of(s_leaf, [s_leaf, s_lower.Certificate, s_upper.Certificate], [.. keys], s_now);
        Assert.Equal(16, anchors.All.Count);
        Assert.Equal("DaneTa", Judge([.. keys, Record(2, 1, 1, s_lower.Certificate)], s_leaf, s_lower, s_upper));
    }

    [Fact]
    public void A_certificate_is_no_authority_over_itself()
    {
        var self = TestAuthority.SelfSignedLeaf(Host, s_now.AddDays(-1), s_now.AddDays(1));
        Assert.Equal("TlsaInvalid no-tlsa-match", Judge([Record(2, 0, 1, self)], self));
        Assert.NotEqual("DaneTa", Judge([Record(2, 0, 0, self), Record(2, 1, 0, self)], self));
        Assert.NotEqual("DaneTa", Judge([Record(2, 0, 1, s_leaf)], s_leaf, s_lower));
    }

    [Fact]
    public void An_authority_may_have_several_certificates()
    {
        using var crossed = s_other.Cross(s_upper);
        X509Certificate2[] sent = [s_lower.Certificate, crossed, s_upper.Certificate];
        Assert.All(
            [s_upper.Certificate, crossed, s_lower.Certificate],
            anchor => Assert.Equal("DaneTa", Judge([Record(2, 0, 1, anchor)], s_leaf, sent)));
        Assert.Equal("DaneTa", Judge([Record(2, 1, 1, s_upper.Certificate)], s_leaf, [s_lower.Certificate, crossed]));
    }

    [Fact]
    public void One_record_that_matches_is_enough()
    {
        var next = s_root.Leaf([Host]);
        TlsaRecord[] rollover = [Record(3, 1, 1, s_leaf), Record(3, 1, 1, next), Record(2, 0, 1, s_other.Certificate)];
        Assert.Equal("DaneEe", Judge(rollover, s_leaf));
        Assert.Equal("DaneEe", Judge(rollover, next));
        Assert.Equal("DaneTa", Judge(rollover, s_other.Leaf([Host]), s_other));
        Assert.Equal("TlsaInvalid no-tlsa-match", Judge(rollover, s_root.Leaf([Host])));
        Assert.Equal("CertificateHostMismatch name-mismatch", Judge(rollover, s_other.Leaf(["elsewhere.test"]), s_other));
    }

    // RFC 7671 §9
    [Fact]
    public void Of_several_digests_the_strongest_counts()
    {
        var stale = s_root.Leaf([Host]);
        Assert.Equal("TlsaInvalid no-tlsa-match", Judge([Record(3, 1, 1, s_leaf), Record(3, 1, 2, stale)], s_leaf));
        Assert.Equal("DaneEe", Judge([Record(3, 1, 1, s_leaf), Record(3, 0, 2, stale)], s_leaf));
        Assert.Equal("DaneEe", Judge([Record(3, 1, 0, s_leaf), Record(3, 1, 2, stale)], s_leaf));
        Assert.Equal("DaneEe", Judge([Record(3, 1, 1, s_leaf), new TlsaRecord(3, 1, 2, [1, 2, 3])], s_leaf));
        Assert.Equal("DaneTa", Judge([Record(2, 0, 1, s_lower.Certificate), Record(3, 0, 2, stale)], s_leaf, s_lower));
    }

    [Theory]
    [InlineData("0 0 1 32")]
    [InlineData("1 1 1 32")]
    [InlineData("4 1 1 32")]
    [InlineData("255 1 1 32")]
    [InlineData("3 2 1 32")]
    [InlineData("3 1 3 32")]
    [InlineData("3 1 1 31")]
    [InlineData("3 1 1 33")]
    [InlineData("3 1 1 0")]
    [InlineData("3 1 2 32")]
    [InlineData("3 0 0 200")]
    [InlineData("2 1 0 91")]
    public void Records_that_cannot_be_used_are_left_out(string record)
    {
        var fields = record.Split(' ').Select(int.Parse).ToArray();
        Assert.Empty(TlsaSet.Usable([new TlsaRecord((byte)fields[0], (byte)fields[1], (byte)fields[2], [.. new byte[fields[3]]])]));
    }

    [Fact]
    public void Full_data_is_used_only_when_it_is_exactly_one_certificate_or_key()
    {
        byte[] pem = System.Text.Encoding.ASCII.GetBytes(s_leaf.ExportCertificatePem());
        byte[] key = s_leaf.PublicKey.ExportSubjectPublicKeyInfo();
        Assert.Single(TlsaSet.Usable([new TlsaRecord(3, 0, 0, [.. s_leaf.RawData])]));
        Assert.Single(TlsaSet.Usable([new TlsaRecord(2, 1, 0, [.. key])]));
        Assert.Empty(TlsaSet.Usable(
        [
            new TlsaRecord(3, 0, 0, [.. pem]), new TlsaRecord(3, 0, 0, [.. s_leaf.RawData, 0]), new TlsaRecord(3, 0, 0, [.. s_leaf.RawData[..^1]]),
            new TlsaRecord(2, 1, 0, [.. key, 0]), new TlsaRecord(2, 1, 0, [.. key[..^1]]), new TlsaRecord(2, 1, 0, [.. s_leaf.RawData]),
        ]));
    }

    [Fact]
    public void The_order_of_the_answer_makes_no_difference_and_the_number_of_records_is_bounded()
    {
        var records = Enumerable.Range(0, 200).Select(i => new TlsaRecord((byte)(2 + (i % 2)), 1, 1, [.. SHA256.HashData([(byte)i])])).ToArray();
        var once = TlsaSet.Usable(records);
        Random.Shared.Shuffle(records);
        Assert.Equal(once.AsEnumerable(), TlsaSet.Usable([.. records, .. records]));
        Assert.Equal(TlsaSet.MostRecords, once.Length);
    }

    [Fact]
    public void Keys_and_certificates_of_a_kind_that_nobody_knows_match_themselves_and_break_nothing()
    {
        // An algorithm of nobody's, and Ed25519, whose parameters are absent (RFC 8410 §3).
        foreach (var oid in new[] { "1.3.6.1.4.1.99999.1", "1.3.101.112" })
        {
            var key = new PublicKey(new Oid(oid), null, new AsnEncodedData(new byte[32]));
            var record = new TlsaRecord(2, 1, 0, [.. key.ExportSubjectPublicKeyInfo()]);
            Assert.Single(TlsaSet.Usable([record]));
            Assert.Equal("TlsaInvalid no-tlsa-match", Judge([record], s_leaf, s_lower));

            using var signer = ECDsa.Create();
            var request = new CertificateRequest(s_lower.Certificate.SubjectName, key, HashAlgorithmName.SHA256);
            var strange = request.Create(
                new X500DistinguishedName("CN=Strange"), X509SignatureGenerator.CreateForECDsa(signer), s_now.AddDays(-1), s_now.AddDays(1), [1]);
            Assert.Equal("DaneEe", Judge([Record(3, 0, 0, strange)], strange));
            Assert.Equal("DaneEe", Judge([new TlsaRecord(3, 1, 0, record.Data)], strange));
            Assert.StartsWith("CertificateNotTrusted", Judge([Record(2, 0, 1, strange)], s_leaf, [strange]), StringComparison.Ordinal);
            Assert.Equal("TlsaInvalid no-tlsa-match", Judge([Record(2, 0, 0, strange)], s_leaf));
        }
    }

    [Property]
    public void Arbitrary_records_do_no_harm((byte, byte, byte, byte[])[] records)
    {
        ImmutableArray<TlsaRecord> arbitrary =
        [
            .. records.Select(fields => new TlsaRecord((byte)(fields.Item1 % 5), (byte)(fields.Item2 % 3), (byte)(fields.Item3 % 4), [.. fields.Item4]))
        ];
        Assert.StartsWith("TlsaInvalid", Judge(arbitrary, s_leaf, s_lower), StringComparison.Ordinal);
    }

    [Property(MaxTest = 200)]
    public void A_damaged_record_matches_nothing(byte form, int place, byte change)
    {
        var whole = Record((byte)(2 + (form & 1)), (byte)(form >> 1 & 1), (byte)((form >> 2) % 3), (form & 1) == 1 ? s_leaf : s_lower.Certificate);
        byte[] data = [.. whole.Data];
        data[(int)((uint)place % data.Length)] ^= (byte)(change | 1);
        var verdict = Judge([whole with { Data = [.. data] }], s_leaf, s_lower);
        // A whole certificate of the authority whose signature is damaged is still the authority's name and key, to be trusted as it is.
        Assert.True(!verdict.StartsWith("Dane", StringComparison.Ordinal) || whole is { Usage: 2, Selector: 0, MatchingType: 0 }, $"{whole}: {verdict}");
    }

    static TlsaRecord Record(byte usage, byte selector, byte matching, X509Certificate2 certificate)
    {
        var whole = selector == 0 ? certificate.RawData : certificate.PublicKey.ExportSubjectPublicKeyInfo();
        return new TlsaRecord(usage, selector, matching, [.. matching switch
        {
            0 => whole,
            1 => SHA256.HashData(whole),
            _ => SHA512.HashData(whole),
        }]);
    }

    string Judge(IEnumerable<TlsaRecord> records, X509Certificate2 leaf, params TestAuthority[] others) =>
        Judge(records, leaf, [.. others.Select(other => other.Certificate)]);

    string Judge(IEnumerable<TlsaRecord> records, X509Certificate2 leaf, X509Certificate2[] others)
    {
        var policy = new TransportPolicy.Dane(DomainName.Parse(Host), [.. records], [Host, "example.org"], SecureMx: true);
        var verdict = new DaneCheck(_clock).Judge(new PeerChain(leaf, [leaf, .. others], Host), policy);
        return verdict.Identity is PeerIdentity.Unauthenticated
            ? string.Join(", ", verdict.Failures.Select(failure => $"{failure.Type} {failure.ReasonCode}"))
            : verdict.Identity.ToString();
    }
}
