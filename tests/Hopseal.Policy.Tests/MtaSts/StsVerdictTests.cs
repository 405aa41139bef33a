using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Hopseal.Dns;
using Hopseal.Policy.Dane;
using Hopseal.Policy.MtaSts;
using Hopseal.Smtp.Tls;
using Microsoft.Extensions.Time.Testing;

namespace Hopseal.Policy.Tests.MtaSts;

/// <summary>What a certificate is worth to a host with an MTA-STS policy (RFC 8461 §4.2, §5), also beside DANE (§2).</summary>
public sealed class StsVerdictTests
{
    const string Mx = "mx.elsewhere.test";

    static readonly DateTimeOffset s_now = new(2026, 5, 1, 12, 0, 0, TimeSpan.Zero);
    static readonly TestAuthority s_root = TestAuthority.Root("mx root", s_now.AddYears(-1), s_now.AddYears(1));
    static readonly X509Certificate2 s_valid = s_root.Leaf([Mx]);

    readonly PeerVerifier _verifier = new(
        new PkixCheck(TrustedRoots.Of(s_root.Certificate), new FakeTimeProvider(s_now)), new DaneCheck(new FakeTimeProvider(s_now)));

    [Theory]
    [InlineData(StsMode.Enforce)]
    [InlineData(StsMode.Testing)]
    public void A_valid_certificate_for_the_hosts_own_name_meets_it(StsMode mode)
    {
        var verdict = Judge(Plan(mode, Mx), s_valid);
        Assert.Equal(PeerIdentity.Pkix, verdict.Identity);
        Assert.Empty(verdict.Failures);
    }

    [Theory]
    [InlineData("sts.test", 0, 1, TlsResultType.CertificateHostMismatch)]
    [InlineData("other.elsewhere.test", 0, 1, TlsResultType.CertificateHostMismatch)]
    [InlineData(Mx, -10, -1, TlsResultType.CertificateExpired)]
    public void Another_name_or_an_expired_certificate_does_not(string name, int from, int to, TlsResultType type)
    {
        var leaf = s_root.Leaf([name], from: s_now.AddDays(from), to: s_now.AddDays(to));
        var enforced = Judge(Plan(StsMode.Enforce, Mx), leaf);
        Assert.Equal(PeerIdentity.Unauthenticated, enforced.Identity);
        Assert.Equal(type, Assert.Single(enforced.Failures).Type);

        // In testing mode the session goes on, for nothing demands more than plaintext; the failure is in its record.
        var tested = Plan(StsMode.Testing, Mx);
        Assert.Equal(SecurityFloor.Plaintext, tested.Floor);
        Assert.Equal(type, Assert.Single(Judge(tested, leaf).Failures).Type);
    }

    [Fact]
    public void An_authority_that_nobody_trusts_does_not()
    {
        var leaf = TestAuthority.SelfSignedLeaf(Mx, s_now.AddDays(-1), s_now.AddDays(1));
        var verdict = Judge(Plan(StsMode.Enforce, Mx), leaf);
        Assert.Equal((PeerIdentity.Unauthenticated, TlsResultType.CertificateNotTrusted), (verdict.Identity, verdict.Failures[0].Type));
    }

    [Fact]
    public void A_host_that_a_testing_policy_does_not_name_proves_nothing_by_its_name()
    {
        var verdict = Judge(Plan(StsMode.Testing, "mx.other.test"), s_valid);
        Assert.Equal(PeerIdentity.Unauthenticated, verdict.Identity);
    }

    [Fact]
    public void A_valid_certificate_does_not_make_up_for_a_DANE_record_that_does_not_match()
    {
        var verdict = Judge(Plan(StsMode.Enforce, Mx, Record([1, 2, 3])), s_valid);
        Assert.Equal(PeerIdentity.Unauthenticated, verdict.Identity);
        Assert.NotEmpty(verdict.Failures);
    }

    [Fact]
    public void A_DANE_record_that_matches_does_not_make_up_for_a_certificate_that_is_not_valid()
    {
        var leaf = TestAuthority.SelfSignedLeaf(Mx, s_now.AddDays(-1), s_now.AddDays(1));
        var verdict = Judge(Plan(StsMode.Enforce, Mx, Record(leaf.RawData)), leaf);
        Assert.Equal(PeerIdentity.Unauthenticated, verdict.Identity);
        Assert.Contains(verdict.Failures, failure => failure.Type is TlsResultType.CertificateNotTrusted);
    }

    [Fact]
    public void A_failure_is_reported_against_the_policies_that_it_misses_and_no_other()
    {
        var self = TestAuthority.SelfSignedLeaf(Mx, s_now.AddDays(-1), s_now.AddDays(1));
        var plan = Plan(StsMode.Enforce, Mx);

        Assert.Equal([ReportedAgainst.MtaSts], Against(Judge(Plan(StsMode.Enforce, Mx, Record(self.RawData)), self)));
        Assert.Equal([ReportedAgainst.Dane], Against(Judge(Plan(StsMode.Enforce, Mx, Record([1, 2, 3])), s_valid)));
        Assert.Equal([ReportedAgainst.None], Against(Judge(plan with { Policies = [new TransportPolicy.Opportunistic()] }, self)));

        // An operator who asks for the same is told of the same failure; the owner of the policy is, too.
        var both = plan with { Policies = [.. plan.Policies, new TransportPolicy.Operator(SecurityFloor.Authenticated, "Outbound.Rules[0]")] };
        Assert.Equal([ReportedAgainst.MtaSts], Against(Judge(both, self)));

        static IEnumerable<ReportedAgainst> Against(PeerVerdict verdict) => verdict.Failures.Select(failure => failure.Against).Distinct();
    }

    static TlsaRecord Record(byte[] certificate) => new(3, 0, 1, [.. SHA256.HashData(certificate)]);

    static HostPlan Plan(StsMode mode, string mx, params ImmutableArray<TlsaRecord> records)
    {
        var (name, domain) = (DomainName.Parse(Mx), DomainName.Parse("sts.test"));
        var host = new PlannedHost(name, 10, 25, TlsStart.StartTls, HostAuthenticity.None, []);
        var bare = new HostPlan(host, [new TransportPolicy.Opportunistic()], [domain.Ascii]);
        var policy = new StsPolicy(mode, [mx], TimeSpan.FromDays(7), "1");
        DaneFinding dane = records.IsEmpty ? new DaneFinding.None("not signed") : new DaneFinding.Found(name, records, records);
        return PublishedPolicies.Add(bare, new StsFinding.Found(policy, s_now, []), dane, domain, out _);
    }

    PeerVerdict Judge(HostPlan plan, X509Certificate2 leaf) => _verifier.For(plan)(new PeerChain(leaf, [leaf], plan.ServerName));
}
