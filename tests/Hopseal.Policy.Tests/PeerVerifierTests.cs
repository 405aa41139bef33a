using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Hopseal.Dns;
using Hopseal.Policy.Dane;
using Hopseal.Policy.MtaSts;
using Hopseal.Smtp.Tls;
using Microsoft.Extensions.Time.Testing;

namespace Hopseal.Policy.Tests;

public sealed class PeerVerifierTests
{
    static readonly DateTimeOffset s_now = new(2031, 5, 1, 0, 0, 0, TimeSpan.Zero);
    static readonly DomainName s_mx = DomainName.Parse("mx.example.org");
    static readonly TestAuthority s_root = TestAuthority.Root("Root", s_now.AddYears(-5), s_now.AddYears(5));
    static readonly TestAuthority s_unknown = TestAuthority.Root("Unknown", s_now.AddYears(-5), s_now.AddYears(5));
    static readonly X509Certificate2 s_valid = s_root.Leaf(["mx.example.org"]);
    static readonly X509Certificate2 s_untrusted = s_unknown.Leaf(["mx.example.org"]);

    readonly PeerVerifier _verifier = new(
        new PkixCheck(TrustedRoots.Of(s_root.Certificate), new FakeTimeProvider(s_now)), new DaneCheck(new FakeTimeProvider(s_now)));

    static TransportPolicy.Operator Rule { get; } = new(SecurityFloor.Authenticated, "Outbound.Rules[0]");

    static TransportPolicy.Operator Exception { get; } =
        new(SecurityFloor.Encrypted, "Outbound.Rules[1]", new ExceptionTerms(new DateOnly(2032, 1, 1), "ticket", "ops"));

    static TransportPolicy.MtaSts Enforced { get; } = new(new StsPolicy(StsMode.Enforce, ["mx.example.org"], TimeSpan.FromDays(1), "1"), s_now);

    [Fact]
    public void A_record_that_matches_is_proof_enough()
    {
        Assert.Equal("DaneEe", Judge(s_untrusted, Dane(s_untrusted)));
        Assert.Equal("DaneEe", Judge(s_untrusted, Dane(s_untrusted), Rule));
        Assert.Equal("DaneEe", Judge(s_untrusted, Dane(s_untrusted), new TransportPolicy.RequireTls(OfferRequired: true)));
    }

    // RFC 8461 §2
    [Fact]
    public void Nothing_makes_up_for_records_that_do_not_match()
    {
        Assert.Equal("TlsaInvalid no-tlsa-match", Judge(s_valid, Dane(s_untrusted)));
        Assert.Equal("TlsaInvalid no-tlsa-match", Judge(s_valid, Dane(s_untrusted), Enforced));
        Assert.Equal("TlsaInvalid no-tlsa-match", Judge(s_valid, Dane(s_untrusted, secureMx: false), Enforced));
        Assert.StartsWith("TlsaInvalid no-tlsa-match", Judge(s_valid, Dane(s_untrusted), Rule), StringComparison.Ordinal);
    }

    // RFC 7672 §2.2.1: the records prove the host, but a forger may have chosen it.
    [Fact]
    public void A_host_that_nobody_vouches_for_is_not_authenticated_for_an_operator()
    {
        var half = Dane(s_untrusted, secureMx: false);
        Assert.Equal("DaneEe", Judge(s_untrusted, half));
        Assert.Equal("CertificateNotTrusted untrusted-root", Judge(s_untrusted, half, Rule));
        Assert.Equal("CertificateNotTrusted untrusted-root", Judge(s_untrusted, half, new TransportPolicy.RequireTls(OfferRequired: true)));
        Assert.Equal("DaneEe", Judge(s_valid, Dane(s_valid, secureMx: false), Rule));
    }

    [Fact]
    public void What_is_excepted_or_waived_is_judged_and_only_reported()
    {
        var mismatch = Dane(s_untrusted);
        Assert.Equal("Pkix (TlsaInvalid no-tlsa-match)", Judge(s_valid, new TransportPolicy.Excepted(mismatch, Exception)));
        Assert.Equal("Pkix (TlsaInvalid no-tlsa-match)", Judge(s_valid, new TransportPolicy.Waived(mismatch)));
        Assert.Equal("DaneEe", Judge(s_untrusted, new TransportPolicy.Excepted(Dane(s_untrusted), Exception)));
        Assert.Equal("Pkix (TlsaInvalid no-tlsa-match)", Judge(s_valid, new TransportPolicy.Excepted(mismatch, Exception), Rule));
    }

    [Fact]
    public void Records_that_cannot_be_used_leave_the_certificate_to_the_others()
    {
        var unusable = new TransportPolicy.DaneUnusable(s_mx, [new TlsaRecord(1, 1, 1, [1])]);
        Assert.Equal("Pkix", Judge(s_valid, unusable));
        Assert.Equal("CertificateNotTrusted untrusted-root", Judge(s_untrusted, unusable));
        Assert.Equal("CertificateNotTrusted untrusted-root", Judge(s_untrusted, unusable, Enforced));
    }

    [Fact]
    public void The_name_asked_for_is_that_of_the_records_also_where_they_are_only_reported()
    {
        var records = Dane(s_valid) with { Base = DomainName.Parse("target.example.net") };
        Assert.Equal("target.example.net", Plan(records).ServerName);
        Assert.Equal("target.example.net", Plan(new TransportPolicy.Excepted(records, Exception)).ServerName);
        Assert.Equal("target.example.net", Plan(new TransportPolicy.Waived(records)).ServerName);
        Assert.Equal("mx.example.org", Plan(new TransportPolicy.DaneUnusable(records.Base, [])).ServerName);
        Assert.Equal("mx.example.org", Plan().ServerName);
    }

    static TransportPolicy.Dane Dane(X509Certificate2 certificate, bool secureMx = true) =>
        new(s_mx, [new TlsaRecord(3, 0, 1, [.. SHA256.HashData(certificate.RawData)])], ["mx.example.org"], secureMx);

    static HostPlan Plan(params TransportPolicy[] policies) => new(
        new PlannedHost(s_mx, 10, 25, TlsStart.StartTls, HostAuthenticity.None, []), [.. policies], ["mx.example.org", "example.org"]);

    string Judge(X509Certificate2 leaf, params TransportPolicy[] policies)
    {
        var sent = leaf == s_valid ? s_root : s_unknown;
        var verdict = _verifier.For(Plan(policies))(new PeerChain(leaf, [leaf, sent.Certificate], "mx.example.org"));
        var failures = string.Join(", ", verdict.Failures.Select(failure => $"{failure.Type} {failure.ReasonCode}"));
        return verdict.Identity is PeerIdentity.Unauthenticated ? failures
            : failures.Length == 0 ? verdict.Identity.ToString()
            : $"{verdict.Identity} ({failures})";
    }
}
