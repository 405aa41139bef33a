using System.Collections.Immutable;
using System.Net;
using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;
using Hopseal.Dns;
using Hopseal.Policy.MtaSts;
using Hopseal.Smtp.Mail;
using Hopseal.Smtp.Tls;
using Hopseal.Smtp.Wire;

namespace Hopseal.Policy.Tests;

/// <summary>What a plan becomes for a message whose sender said something about TLS (RFC 8689).</summary>
public sealed class MessagePlanTests
{
    static readonly DomainName s_base = DomainName.Parse("mx.test");
    static readonly StsPolicy s_policy = new(StsMode.Enforce, ["mx.test"], TimeSpan.FromDays(7), "1");
    static readonly TlsFailure s_notNow = new(TlsResultType.DnssecInvalid, "tlsa-lookup", "SERVFAIL");
    static readonly TlsFailure s_unlisted = new(TlsResultType.ValidationFailure, ExcludedHost.NotInPolicy, "not named");

    static readonly ImmutableArray<TransportPolicy> s_published =
    [
        new TransportPolicy.Dane(s_base, [], ["mx.test"], SecureMx: true),
        new TransportPolicy.DaneUnusable(s_base, []),
        new TransportPolicy.MtaSts(s_policy, default),
        new TransportPolicy.ProvenTls(default),
    ];

    static readonly ImmutableArray<TransportPolicy> s_ours =
    [
        new TransportPolicy.Opportunistic(),
        new TransportPolicy.Operator(SecurityFloor.Plaintext, "rule"),
        new TransportPolicy.Operator(SecurityFloor.Encrypted, "rule"),
        new TransportPolicy.Operator(SecurityFloor.Authenticated, "rule"),
        new TransportPolicy.Credentials(),
    ];

    [Fact]
    public void Nothing_said_changes_nothing()
    {
        var plan = Relay(Host("a.test"));
        Assert.Same(plan, plan.For(MessageTls.Unspecified));
    }

    [Fact]
    public void Required_leaves_out_the_hosts_whose_name_nobody_vouches_for()
    {
        var plan = Relay(
            Host("signed.test", HostAuthenticity.Dnssec), Host("unsigned.test"), Host("listed.test", HostAuthenticity.MtaSts), Host("ours.test", HostAuthenticity.Configured));

        var relay = Assert.IsType<DeliveryPlan.Relay>(plan.For(MessageTls.Required));

        Assert.Equal(["signed.test", "listed.test", "ours.test"], relay.Hosts.Select(host => host.Host.Name!.Ascii));
        Assert.All(relay.Hosts, host => Assert.Equal((SecurityFloor.Authenticated, new TransportPolicy.RequireTls(true)), (host.Floor, host.Policies[^1])));
        Assert.Equal("unsigned.test", Assert.Single(relay.Excluded).Plan.Host.Name!.Ascii);
    }

    [Fact]
    public void A_rule_lets_an_authenticated_host_do_and_is_named()
    {
        var relay = (DeliveryPlan.Relay)Relay(Host("a.test", HostAuthenticity.Dnssec) with { AuthenticatedHopBy = "Outbound.Rules[1]" }).For(MessageTls.Required);
        Assert.Equal(new TransportPolicy.RequireTls(false, "Outbound.Rules[1]"), relay.Hosts[0].Policies[^1]);
        Assert.Equal(SecurityFloor.Authenticated, relay.Hosts[0].Floor);

        Assert.IsType<DeliveryPlan.Bounce>(Relay(Host("b.test") with { AuthenticatedHopBy = "Outbound.Rules[1]" }).For(MessageTls.Required));
    }

    [Fact]
    public void Without_any_host_that_may_get_it_the_message_is_returned()
    {
        var bounce = Assert.IsType<DeliveryPlan.Bounce>(Relay(Host("a.test"), Host("b.test")).For(MessageTls.Required));
        Assert.Equal("5.7.30", bounce.Status.ToString());
        Assert.Contains("a.test:25: neither DNSSEC nor MTA-STS vouches for the name of the host; b.test:25", bounce.Reason, StringComparison.Ordinal);

        Assert.IsType<DeliveryPlan.Bounce>(
            (Relay(Host("a.test")) with { Excluded = [new ExcludedHost(Host("b.test"), s_unlisted)] }).For(MessageTls.Required));
    }

    [Fact]
    public void What_could_not_be_found_out_may_be_found_out_later()
    {
        var looked = Host("a.test") with { Notes = [new PolicyNote("MTA-STS", "no answer", new TlsFailure(TlsResultType.StsPolicyFetchError, "timed-out"))] };
        var unknown = Host("a.test") with { Notes = [new PolicyNote("MTA-STS", "not known: SERVFAIL") { IsUnknown = true }] };
        var excluded = Relay(Host("a.test")) with { Excluded = [new ExcludedHost(Host("b.test", HostAuthenticity.Dnssec), s_notNow)] };

        foreach (var plan in new DeliveryPlan[] { Relay(looked), Relay(unknown), excluded })
        {
            var defer = Assert.IsType<DeliveryPlan.Defer>(plan.For(MessageTls.Required));
            Assert.Equal("4.7.30", defer.Status.ToString());
            Assert.NotEmpty(defer.Excluded);
        }
    }

    [Fact]
    public void Optional_waives_what_the_recipients_side_published_and_tries_what_it_ruled_out_last()
    {
        var plan = Relay(Host("z.test", policies: [.. s_published, .. s_ours])) with
        {
            Excluded = [new ExcludedHost(Host("a.test", policies: [s_published[2]]), s_unlisted), new ExcludedHost(Host("b.test"), s_notNow)],
        };

        var relay = Assert.IsType<DeliveryPlan.Relay>(plan.For(MessageTls.Optional));

        Assert.Equal(["z.test", "a.test", "b.test"], relay.Hosts.Select(host => host.Host.Name!.Ascii));
        Assert.Empty(relay.Excluded);
        Assert.Equal([.. s_published.Select(policy => new TransportPolicy.Waived(policy)), .. s_ours], relay.Hosts[0].Policies.AsEnumerable());
        Assert.Equal((SecurityFloor.Authenticated, SecurityFloor.Plaintext), (relay.Hosts[0].Floor, relay.Hosts[1].Floor));
    }

    [Fact]
    public void Optional_brings_back_hosts_that_were_all_ruled_out()
    {
        var defer = new DeliveryPlan.Defer(new EnhancedStatus(4, 7, 5), "none") { Excluded = [new ExcludedHost(Host("a.test"), s_unlisted)] };
        Assert.Single(Assert.IsType<DeliveryPlan.Relay>(defer.For(MessageTls.Optional)).Hosts);
        Assert.Same(defer, defer.For(MessageTls.Required));

        var unknown = new DeliveryPlan.Defer(new EnhancedStatus(4, 4, 3), "no answer");
        Assert.Same(unknown, unknown.For(MessageTls.Optional));
    }

    /// <summary>A smart host asked for mail without our name refuses it for good.</summary>
    [Fact]
    public void Optional_still_authenticates_to_a_smart_host_that_was_ruled_out_for_now()
    {
        var smart = Host("smart.test", HostAuthenticity.Configured, [new TransportPolicy.Credentials()]);
        var defer = new DeliveryPlan.Defer(new EnhancedStatus(4, 7, 5), "none") { Excluded = [new ExcludedHost(smart, s_notNow)] };
        var relay = Assert.IsType<DeliveryPlan.Relay>(defer.For(MessageTls.Optional));
        Assert.True(relay.Credentials);
        Assert.Equal(SecurityFloor.Encrypted, relay.Hosts[0].Floor);
    }

    /// <summary>RFC 8689 §5.</summary>
    [Fact]
    public void A_report_is_not_lost_for_want_of_what_its_message_had()
    {
        var plan = Relay(Host("a.test"));
        var report = new Envelope(null, [], Tls: MessageTls.Required);
        Assert.Same(plan, plan.For(report));
        Assert.IsType<DeliveryPlan.Bounce>(plan.For(report with { ReturnPath = new Mailbox("a", DomainName.Parse("b.test")) }));
        Assert.IsType<TransportPolicy.Waived>(
            ((DeliveryPlan.Relay)Relay(Host("a.test", policies: [s_published[2]])).For(report with { Tls = MessageTls.Optional })).Hosts[0].Policies[0]);
    }

    [Property]
    public Property Required_never_lowers_a_floor_and_optional_never_one_of_ours()
    {
        var policies = Gen.Elements([.. s_published, .. s_ours]).ArrayOf();
        var authenticity = Gen.Elements(Enum.GetValues<HostAuthenticity>());
        return Prop.ForAll(policies.ToArbitrary(), authenticity.ToArbitrary(), (found, vouched) =>
        {
            var host = Host("a.test", vouched, [.. found]);
            var ours = host with { Policies = [.. found.Where(policy => s_ours.Contains(policy))] };
            var required = Relay(host).For(MessageTls.Required) as DeliveryPlan.Relay;
            var optional = (DeliveryPlan.Relay)Relay(host).For(MessageTls.Optional);
            return (required is null ? vouched is HostAuthenticity.None : required.Hosts.Single().Floor >= host.Floor)
                && optional.Hosts.Single().Floor == ours.Floor;
        });
    }

    static DeliveryPlan.Relay Relay(params HostPlan[] hosts) => new([.. hosts]);

    static HostPlan Host(string name, HostAuthenticity authenticity = HostAuthenticity.None, ImmutableArray<TransportPolicy> policies = default) => new(
        new PlannedHost(DomainName.Parse(name), 10, 25, TlsStart.StartTls, authenticity, [IPAddress.Loopback]),
        policies.IsDefault ? [new TransportPolicy.Opportunistic()] : policies,
        [name]);
}
