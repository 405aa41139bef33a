using System.Collections.Immutable;
using System.Net;
using Hopseal.Dns;
using Hopseal.Smtp.Tls;
using Microsoft.Extensions.Time.Testing;

namespace Hopseal.Policy.Tests;

public sealed class DeliveryPlannerTests
{
    const string Zone = """
        insecure.test            MX  10 mx.insecure.test
        insecure.test            MX  20 mx.elsewhere.test
        mx.insecure.test         A   192.0.2.1
        mx.elsewhere.test        A   192.0.2.2
        $SECURE on
        secure.test              MX  10 mx.elsewhere.test
        $SECURE off
        hop.internal             A   10.0.0.1
        smart.test               A   192.0.2.3
        failing.internal         FAIL ANY
        """;

    static readonly NextHop s_smartHost = new(DomainName.Parse("smart.test"), null, 465, TlsStart.Implicit);

    readonly FakeTimeProvider _clock = new(new DateTimeOffset(2026, 5, 1, 12, 0, 0, TimeSpan.Zero));

    static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("insecure.test", "mx.insecure.test: mx.insecure.test insecure.test | mx.elsewhere.test: insecure.test")]
    [InlineData("secure.test", "mx.elsewhere.test: mx.elsewhere.test secure.test")]
    [InlineData("mx.insecure.test", "mx.insecure.test: mx.insecure.test")]
    [InlineData("[192.0.2.1]", "192.0.2.1: ")]
    [InlineData("[IPv6:2001:db8::1]", "[2001:db8::1]: ")]
    public async Task A_certificate_proves_only_names_that_can_be_believed(string domain, string expected) =>
        Assert.Equal(expected, Names(await RelayAsync(new Routing(), domain)));

    [Fact]
    public async Task A_configured_next_hop_is_believed_and_the_recipient_domain_is_not()
    {
        var relay = await RelayAsync(Routed(new NextHop(DomainName.Parse("hop.internal"), null, 2525, TlsStart.StartTls)), "insecure.test");
        Assert.Equal("hop.internal: hop.internal", Names(relay));
        Assert.Equal((2525, HostAuthenticity.Configured, "10.0.0.1"), (relay.Hosts[0].Host.Port, relay.Hosts[0].Host.Authenticity, relay.Hosts[0].Host.Addresses[0].ToString()));
    }

    [Fact]
    public async Task A_next_hop_by_address_has_only_the_names_of_rules()
    {
        var routing = Routed(new NextHop(null, IPAddress.Parse("10.0.0.9"), 25, TlsStart.StartTls));
        Assert.Equal("10.0.0.9: ", Names(await RelayAsync(routing, "insecure.test")));
        routing = routing with { Rules = [new OutboundRule("insecure.test", SecurityFloor.Authenticated, ["exchange.internal"], "r")] };
        Assert.Equal("10.0.0.9: exchange.internal", Names(await RelayAsync(routing, "insecure.test")));
    }

    [Fact]
    public async Task Every_policy_that_applies_is_in_the_plan_and_the_highest_floor_wins()
    {
        var routing = new Routing
        {
            Domains = Table("insecure.test", new DomainRoute(null, SecurityFloor.Encrypted, null)),
            Rules =
            [
                new OutboundRule("insecure.test", SecurityFloor.Plaintext, [], "exact"),
                new OutboundRule("*.test", SecurityFloor.Authenticated, ["*.hosts.test"], "below"),
                new OutboundRule("mx.elsewhere.test", SecurityFloor.Encrypted, ["lent.test"], "host"),
                new OutboundRule("other.test", SecurityFloor.Authenticated, [], "other"),
            ],
        };
        var relay = await RelayAsync(routing, "insecure.test");
        Assert.Equal("Plaintext Encrypted(Domains.insecure.test) Plaintext(exact) Authenticated(below)", Policies(relay.Hosts[0]));
        Assert.Equal("Plaintext Encrypted(Domains.insecure.test) Plaintext(exact) Authenticated(below) Encrypted(host)", Policies(relay.Hosts[1]));
        Assert.All(relay.Hosts, host => Assert.Equal(SecurityFloor.Authenticated, host.Floor));
    }

    [Fact]
    public async Task A_rule_found_by_a_host_name_from_insecure_dns_raises_the_floor_and_lends_no_names()
    {
        var routing = new Routing { Rules = [new OutboundRule("mx.elsewhere.test", SecurityFloor.Authenticated, ["lent.test"], "host")] };
        var insecure = await RelayAsync(routing, "insecure.test");
        Assert.Equal((SecurityFloor.Plaintext, SecurityFloor.Authenticated), (insecure.Hosts[0].Floor, insecure.Hosts[1].Floor));
        Assert.Equal(["insecure.test"], insecure.Hosts[1].ReferenceNames);
        var secure = await RelayAsync(routing, "secure.test");
        Assert.Equal(["mx.elsewhere.test", "secure.test", "lent.test"], secure.Hosts[0].ReferenceNames);
    }

    [Fact]
    public async Task The_domain_table_comes_before_any_domain_before_the_smart_host_before_mx()
    {
        var routing = new Routing
        {
            Domains = Table("kept.test", new DomainRoute(null, null, "/mail/kept")),
            AnyDomain = new DomainRoute(null, null, "/mail/any"),
            SmartHost = s_smartHost,
        };
        Assert.Equal(new DeliveryPlan.Keep("/mail/kept"), await PlanAsync(routing, "kept.test"));
        Assert.Equal(new DeliveryPlan.Keep("/mail/any"), await PlanAsync(routing, "insecure.test"));
        Assert.Equal(new DeliveryPlan.Keep("/mail/any"), await PlanAsync(routing, "[192.0.2.1]"));
        routing = routing with { AnyDomain = null };
        Assert.Equal("smart.test: smart.test", Names(await RelayAsync(routing, "insecure.test")));
        Assert.Equal("smart.test: smart.test", Names(await RelayAsync(routing, "nowhere.test")));
        Assert.Equal("smart.test: smart.test", Names(await RelayAsync(routing, "[192.0.2.1]")));
    }

    [Fact]
    public async Task Credentials_never_travel_in_plaintext()
    {
        var routing = new Routing { SmartHost = s_smartHost, SmartHostCredentials = true, SmartHostFloor = SecurityFloor.Authenticated };
        var relay = await RelayAsync(routing, "insecure.test");
        Assert.True(relay.Credentials);
        Assert.Equal("Plaintext Authenticated(Outbound.SmartHost) Encrypted", Policies(relay.Hosts[0]));
        Assert.Equal(TlsStart.Implicit, relay.Hosts[0].Host.Start);
        Assert.False((await RelayAsync(routing with { SmartHostCredentials = false }, "insecure.test")).Credentials);
    }

    [Fact]
    public async Task A_host_that_proved_tls_gets_no_plaintext()
    {
        var proven = new ProvenTlsMemory(_clock);
        proven.Prove("mx.elsewhere.test", 25, _clock.GetUtcNow());
        proven.Prove("192.0.2.7", 25, _clock.GetUtcNow());
        var relay = await RelayAsync(new Routing(), "insecure.test", proven);
        Assert.Equal([SecurityFloor.Plaintext, SecurityFloor.Encrypted], relay.Hosts.Select(host => host.Floor));
        Assert.Equal(SecurityFloor.Encrypted, (await RelayAsync(new Routing(), "[192.0.2.7]", proven)).Hosts[0].Floor);
        _clock.Advance(TimeSpan.FromDays(30));
        Assert.All((await RelayAsync(new Routing(), "insecure.test", proven)).Hosts, host => Assert.Equal(SecurityFloor.Plaintext, host.Floor));
    }

    [Theory]
    [InlineData("missing.internal", "4.4.4")]
    [InlineData("failing.internal", "4.4.3")]
    public async Task A_configured_next_hop_that_cannot_be_found_costs_no_mail(string host, string status)
    {
        var plan = await PlanAsync(Routed(new NextHop(DomainName.Parse(host), null, 25, TlsStart.StartTls)), "insecure.test");
        Assert.Equal(status, Assert.IsType<DeliveryPlan.Defer>(plan).Status.ToString());
    }

    [Fact]
    public async Task A_backup_mx_sends_only_to_better_hosts()
    {
        var routing = new Routing
        {
            Domains = Table("insecure.test", new DomainRoute(null, null, null)),
            OwnNames = [DomainName.Parse("mx.elsewhere.test")],
        };
        Assert.Equal("mx.insecure.test", Assert.Single((await RelayAsync(routing, "insecure.test")).Hosts).Host.Name?.Ascii);
        Assert.Equal("5.4.6", Assert.IsType<DeliveryPlan.Bounce>(await PlanAsync(routing, "secure.test")).Status.ToString());
    }

    [Theory]
    [InlineData("")]
    [InlineData("a..b")]
    [InlineData("[192.0.2.1")]
    [InlineData("[010.0.0.1]")]
    [InlineData("[1]")]
    [InlineData("[0x7f.0.0.1]")]
    [InlineData("[2001:db8::1]")]
    [InlineData("[IPv6:fe80::1%eth0]")]
    [InlineData("[IPv6:[::1]:25]")]
    [InlineData("[IPv6:192.0.2.1]")]
    [InlineData("[0.0.0.0]")]
    [InlineData("[224.0.0.1]")]
    [InlineData("[IPv6:::]")]
    [InlineData("[x-tag:what]")]
    public async Task What_is_no_destination_bounces(string domain) =>
        Assert.Equal("5.1.2", Assert.IsType<DeliveryPlan.Bounce>(await PlanAsync(new Routing(), domain)).Status.ToString());

    [Fact]
    public async Task Cancelling_is_the_only_thing_that_throws()
    {
        using var cancelled = new CancellationTokenSource();
        await cancelled.CancelAsync();
        var planner = new DeliveryPlanner(new Routing(), ZoneResolver.Parse(Zone), new ProvenTlsMemory(_clock));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await planner.PlanAsync("insecure.test", null, cancelled.Token));
    }

    async Task<DeliveryPlan.Relay> RelayAsync(Routing routing, string domain, ProvenTlsMemory? proven = null) =>
        Assert.IsType<DeliveryPlan.Relay>(await PlanAsync(routing, domain, proven));

    ValueTask<DeliveryPlan> PlanAsync(Routing routing, string domain, ProvenTlsMemory? proven = null) =>
        new DeliveryPlanner(routing, ZoneResolver.Parse(Zone), proven ?? new ProvenTlsMemory(_clock)).PlanAsync(domain, null, Cancel);

    static Routing Routed(NextHop hop) => new() { Domains = Table("insecure.test", new DomainRoute(hop, null, null)) };

    static ImmutableDictionary<DomainName, DomainRoute> Table(string domain, DomainRoute route) =>
        ImmutableDictionary<DomainName, DomainRoute>.Empty.Add(DomainName.Parse(domain), route);

    static string Names(DeliveryPlan.Relay relay) => string.Join(" | ", relay.Hosts.Select(host =>
        $"{host.Host.ToString()[..host.Host.ToString().LastIndexOf(':')]}: {string.Join(' ', host.ReferenceNames)}"));

    static string Policies(HostPlan host) => string.Join(' ', host.Policies.Select(policy =>
        policy is TransportPolicy.Operator configured ? $"{policy.Floor}({configured.Source})" : policy.Floor.ToString()));
}
