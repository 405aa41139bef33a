using System.Collections.Immutable;
using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;
using Hopseal.Dns;
using Hopseal.Policy.Dane;
using Hopseal.Policy.MtaSts;
using Hopseal.Smtp.Tls;
using Microsoft.Extensions.Time.Testing;

namespace Hopseal.Policy.Tests.MtaSts;

/// <summary>What a policy does to the plan of its domain (RFC 8461 §4, §5).</summary>
public sealed class StsPlanTests
{
    const string Zone = """
        sts.test            MX  10 mx.sts.test
        sts.test            MX  20 mx.elsewhere.test
        mx.sts.test         A   192.0.2.1
        mx.elsewhere.test   A   192.0.2.2
        smart.test          A   192.0.2.3
        """;

    static readonly DateTimeOffset s_now = new(2026, 5, 1, 12, 0, 0, TimeSpan.Zero);
    static readonly DomainName s_domain = DomainName.Parse("sts.test");

    readonly FakeTimeProvider _clock = new(s_now);

    [Theory]
    [InlineData(StsMode.Enforce, "mx.sts.test mx.elsewhere.test", "mx.sts.test:25 Authenticated, mx.elsewhere.test:25 Authenticated", "")]
    [InlineData(StsMode.Enforce, "mx.elsewhere.test", "mx.elsewhere.test:25 Authenticated", "mx.sts.test:25")]
    [InlineData(StsMode.Enforce, "*.sts.test", "mx.sts.test:25 Authenticated", "mx.elsewhere.test:25")]
    [InlineData(StsMode.Enforce, "*.test mx.sts.test", "mx.sts.test:25 Authenticated", "mx.elsewhere.test:25")]
    [InlineData(StsMode.Testing, "mx.other.test", "mx.sts.test:25 Plaintext, mx.elsewhere.test:25 Plaintext", "")]
    [InlineData(StsMode.None, "mx.other.test", "mx.sts.test:25 Plaintext, mx.elsewhere.test:25 Plaintext", "")]
    public async Task A_host_gets_mail_as_the_policy_says(StsMode mode, string mx, string able, string excluded)
    {
        var relay = Assert.IsType<DeliveryPlan.Relay>(await PlanAsync(new Routing(), Policy(mode, mx)));
        Assert.Equal(able, string.Join(", ", relay.Hosts.Select(host => $"{host.Host} {host.Floor}")));
        Assert.Equal(excluded, string.Join(", ", relay.Excluded.Select(host => host.Plan.Host.ToString())));
        Assert.All(relay.Excluded, host => Assert.Equal((TlsResultType.ValidationFailure, "mx-not-in-policy"), (host.Why.Type, host.Why.ReasonCode)));
    }

    [Fact]
    public async Task A_named_host_is_believed_and_has_to_prove_its_own_name()
    {
        var relay = Assert.IsType<DeliveryPlan.Relay>(await PlanAsync(new Routing(), Policy(StsMode.Enforce, "mx.elsewhere.test")));
        var host = Assert.Single(relay.Hosts);
        Assert.Equal((HostAuthenticity.MtaSts, "mx.elsewhere.test"), (host.Host.Authenticity, host.ServerName));
        Assert.Contains("mx.elsewhere.test", host.ReferenceNames);
    }

    [Fact]
    public async Task Where_no_host_is_named_mail_waits()
    {
        var defer = Assert.IsType<DeliveryPlan.Defer>(await PlanAsync(new Routing(), Policy(StsMode.Enforce, "mx.other.test")));
        Assert.Equal("4.7.5", defer.Status.ToString());
        Assert.Equal(2, defer.Excluded.Length);
    }

    [Fact]
    public async Task Testing_notes_what_enforce_would_have_refused()
    {
        var relay = Assert.IsType<DeliveryPlan.Relay>(await PlanAsync(new Routing(), Policy(StsMode.Testing, "mx.sts.test")));
        Assert.DoesNotContain(relay.Hosts[0].Notes, note => note.Failure is not null);
        Assert.Equal("mx-not-in-policy", Assert.Single(relay.Hosts[1].Notes, note => note.Failure is not null).Failure?.ReasonCode);
        Assert.Equal(HostAuthenticity.None, relay.Hosts[1].Host.Authenticity);
    }

    [Fact]
    public async Task For_a_relay_that_we_choose_its_own_policy_counts()
    {
        var smart = new NextHop(DomainName.Parse("smart.test"), null, 25, TlsStart.StartTls);
        var own = new Routing { Domains = ImmutableDictionary<DomainName, DomainRoute>.Empty.Add(s_domain, new DomainRoute(smart, null, null)) };
        foreach (var routing in new[] { new Routing { SmartHost = smart }, own })
        {
            var relay = Assert.IsType<DeliveryPlan.Relay>(await PlanAsync(routing, Policy(StsMode.Enforce, "smart.test")));
            Assert.Equal(SecurityFloor.Authenticated, relay.Hosts[0].Floor);
            Assert.Equal(["smart.test"], relay.Hosts[0].ReferenceNames);
            Assert.Equal("4.7.5", Assert.IsType<DeliveryPlan.Defer>(await PlanAsync(routing, Policy(StsMode.Enforce, "mx.sts.test"))).Status.ToString());
        }
    }

    [Fact]
    public async Task For_a_relay_without_a_policy_the_recipients_does_not_count()
    {
        var elsewhere = new NextHop(DomainName.Parse("mx.elsewhere.test"), null, 25, TlsStart.StartTls);
        var relay = Assert.IsType<DeliveryPlan.Relay>(await PlanAsync(new Routing { SmartHost = elsewhere }, Policy(StsMode.Enforce, "mx.other.test")));
        Assert.Equal(SecurityFloor.Plaintext, relay.Hosts[0].Floor);

        var literal = Assert.IsType<DeliveryPlan.Relay>(await PlanAsync(new Routing(), Policy(StsMode.Enforce, "mx.other.test"), "[192.0.2.1]"));
        Assert.Equal(SecurityFloor.Plaintext, literal.Hosts[0].Floor);
    }

    [Fact]
    public void What_could_not_be_fetched_or_renewed_is_noted_with_its_failure()
    {
        var failure = new TlsFailure(TlsResultType.StsWebpkiInvalid, "expired", "the certificate has expired");
        var host = Add(Host([]), new StsFinding.None("the certificate has expired", [failure]));
        Assert.Contains(new PolicyNote("MTA-STS", "the certificate has expired", failure), host.Notes);
        host = Add(Host([]), new StsFinding.Found(Policy(StsMode.Enforce, "mx.sts.test"), s_now, [failure]));
        Assert.Contains(host.Notes, note => note.Failure == failure);
        Assert.Equal(SecurityFloor.Authenticated, host.Floor);
    }

    [Fact]
    public void What_is_not_known_is_noted_without_a_failure_to_report()
    {
        var note = Assert.Single(Add(Host([]), new StsFinding.None("not known: SERVFAIL", []) { IsUnknown = true }).Notes, one => one.Mechanism == "MTA-STS");
        Assert.Equal((true, null), (note.IsUnknown, note.Failure));
    }

    /// <summary>Acceptance: whatever is found, the floor is as high as without it.</summary>
    [Property]
    public Property No_policy_and_no_failed_fetch_lowers_a_floor()
    {
        var policies = Gen.Elements<TransportPolicy>(
            new TransportPolicy.Opportunistic(),
            new TransportPolicy.ProvenTls(s_now),
            new TransportPolicy.Credentials(),
            new TransportPolicy.RequireTls(OfferRequired: true),
            new TransportPolicy.Operator(SecurityFloor.Encrypted, "a"),
            new TransportPolicy.Operator(SecurityFloor.Authenticated, "b"),
            new TransportPolicy.Operator(SecurityFloor.Plaintext, "c", new ExceptionTerms(new DateOnly(2027, 1, 1), "reason", "owner")));
        var failures = Gen.Elements(TlsResultType.StsPolicyFetchError, TlsResultType.StsPolicyInvalid, TlsResultType.StsWebpkiInvalid)
            .Select(type => new TlsFailure(type, "reason")).ListOf().Select(list => list.Take(2).ToImmutableArray());
        var modes = Gen.Elements(StsMode.None, StsMode.Testing, StsMode.Enforce);
        var patterns = Gen.Elements("mx.sts.test", "*.sts.test", "mx.other.test");
        var found =
            from mode in modes
            from mx in patterns
            from why in failures
            select (StsFinding)new StsFinding.Found(Policy(mode, mx), s_now, why);
        var findings = Gen.OneOf(found, failures.Select(why => (StsFinding)new StsFinding.None("why", why)));
        var cases =
            from before in policies.ListOf()
            from finding in findings
            select (Host([.. before]), finding);
        return Prop.ForAll(cases.ToArbitrary(), one => Add(one.Item1, one.finding).Floor >= one.Item1.Floor);
    }

    static HostPlan Host(ImmutableArray<TransportPolicy> policies)
    {
        var name = DomainName.Parse("mx.sts.test");
        return new HostPlan(new PlannedHost(name, 10, 25, TlsStart.StartTls, HostAuthenticity.None, []), policies, []);
    }

    static HostPlan Add(HostPlan host, StsFinding finding) =>
        PublishedPolicies.Add(host, finding, new DaneFinding.None("not signed"), s_domain, out _);

    static StsPolicy Policy(StsMode mode, string mx) => new(mode, [.. mx.Split(' ')], TimeSpan.FromDays(7), "1");

    /// <summary>With a policy that was fetched before.</summary>
    async Task<DeliveryPlan> PlanAsync(Routing routing, StsPolicy policy, string recipient = "sts.test")
    {
        var zone = ZoneResolver.Parse(Zone);
        await using var policies = new StsPolicies(zone, new StsFetch(zone, new PkixCheck(TrustedRoots.System, _clock), _clock), _clock);
        policies.Restore([new KeptStsPolicy(s_domain, policy, s_now, s_now), new KeptStsPolicy(DomainName.Parse("smart.test"), policy, s_now, s_now)]);
        return await new DeliveryPlanner(routing, zone, new ProvenTlsMemory(_clock), policies)
            .PlanAsync(recipient, null, TestContext.Current.CancellationToken);
    }
}
