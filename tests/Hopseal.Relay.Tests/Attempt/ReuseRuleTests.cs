using Hopseal.Dns;
using Hopseal.Policy;
using Hopseal.Relay.Attempt;
using Hopseal.Smtp.Tls;

namespace Hopseal.Relay.Tests.Attempt;

public sealed class ReuseRuleTests
{
    static readonly HostPlan s_plan = Samples.Host(SecurityFloor.Encrypted);

    [Fact]
    public void The_same_demand_may_use_it()
    {
        var again = Samples.Host(SecurityFloor.Encrypted);

        Assert.NotSame(s_plan, again);
        Assert.True(ReuseRule.Allows(s_plan, again));
    }

    [Fact]
    public void Where_the_host_stands_in_the_plan_does_not_matter()
    {
        var second = s_plan with { Host = s_plan.Host with { Preference = 20, Addresses = [.. s_plan.Host.Addresses, System.Net.IPAddress.IPv6Loopback] } };

        Assert.True(ReuseRule.Allows(s_plan, second));
    }

    [Fact]
    public void When_a_host_last_proved_TLS_does_not_matter_but_that_it_did()
    {
        var proven = With(s_plan, new TransportPolicy.ProvenTls(Samples.Noon));

        Assert.True(ReuseRule.Allows(proven, With(s_plan, new TransportPolicy.ProvenTls(Samples.Noon.AddDays(1)))));
        Assert.False(ReuseRule.Allows(s_plan, proven));
        Assert.False(ReuseRule.Allows(proven, s_plan));
    }

    public static TheoryData<string, HostPlan> Others => new()
    {
        { "more", Samples.Host(SecurityFloor.Authenticated) },
        { "less", Samples.Host(SecurityFloor.Plaintext) },
        { "more in addition", With(s_plan, new TransportPolicy.Operator(SecurityFloor.Authenticated, "Outbound.Rules[1]")) },
        { "credentials", With(s_plan, new TransportPolicy.Credentials()) },
        { "another rule", s_plan with { Policies = [new TransportPolicy.Opportunistic(), new TransportPolicy.Operator(SecurityFloor.Encrypted, "Outbound.Rules[1]")] } },
        { "a newer version of TLS", With(s_plan, new TransportPolicy.MinimumVersion(TlsVersion.Tls13, "Outbound.Rules[1]")) },
        { "a fingerprint", With(s_plan, new TransportPolicy.Pinned([new CertificatePin(PinnedPart.PublicKey, new string('0', 64))], "Outbound.Rules[1]")) },
        { "a private authority", With(s_plan, new TransportPolicy.PrivateAuthority(TrustedRoots.Of(), "Outbound.Rules[1]")) },
        { "a certificate of ours", s_plan with { Certificate = new ShownCertificate(new CertificateFiles("a.pem", "a.key"), "Outbound.Rules[1]") } },
        { "another name to prove", s_plan with { ReferenceNames = ["mx.example.net"] } },
        { "one name more", s_plan with { ReferenceNames = [.. s_plan.ReferenceNames, "mx.example.net"] } },
        { "no name", s_plan with { ReferenceNames = [] } },
        { "another host", s_plan with { Host = s_plan.Host with { Name = DomainName.Parse("mx2.example.org") } } },
        { "an address", s_plan with { Host = s_plan.Host with { Name = null } } },
        { "another port", s_plan with { Host = s_plan.Host with { Port = 26 } } },
        { "TLS from the first byte", s_plan with { Host = s_plan.Host with { Start = TlsStart.Implicit } } },
        { "a name from DNSSEC", s_plan with { Host = s_plan.Host with { Authenticity = HostAuthenticity.Dnssec } } },
    };

    [Theory]
    [MemberData(nameof(Others))]
    public void Another_demand_never_may(string what, HostPlan other)
    {
        Assert.False(ReuseRule.Allows(s_plan, other), what);
        Assert.False(ReuseRule.Allows(other, s_plan), what);
    }

    [Fact]
    public void Only_what_is_encrypted_is_kept()
    {
        var failure = new TlsFailure(TlsResultType.StarttlsNotSupported, "not-offered");

        Assert.False(ReuseRule.MayBeKept(null));
        Assert.False(ReuseRule.MayBeKept(new TlsOutcome.Plaintext(failure)));
        Assert.False(ReuseRule.MayBeKept(new TlsOutcome.Refused([failure])));
        Assert.True(ReuseRule.MayBeKept(new TlsOutcome.Encrypted(
            System.Security.Authentication.SslProtocols.Tls13, "TLS_AES_256_GCM_SHA384", PeerIdentity.Unauthenticated, null, null, TimeSpan.Zero, [])));
    }

    static HostPlan With(HostPlan plan, TransportPolicy policy) => plan with { Policies = plan.Policies.Add(policy) };
}
