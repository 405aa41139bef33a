using System.Collections.Immutable;
using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;
using Hopseal.Dns;
using Hopseal.Smtp.Tls;
using Microsoft.Extensions.Time.Testing;

namespace Hopseal.Policy.Tests;

/// <summary>Which demands an exception lowers, and that nothing else does.</summary>
public sealed class ExceptionTests
{
    const string Zone = """
        old.test             MX  10 mx.hoster.test
        sub.old.test         MX  10 mx.hoster.test
        mx.hoster.test       A   192.0.2.1
        $SECURE on
        signed.test          MX  10 mx.hoster.test
        $SECURE off
        smart.test           A   192.0.2.3
        """;

    static readonly string[] s_destinations = ["*", "*.test", "old.test", "*.old.test", "sub.old.test", "mx.hoster.test", "*.hoster.test", "signed.test"];
    static readonly string[] s_domains = ["old.test", "sub.old.test", "signed.test", "mx.hoster.test", "[192.0.2.1]"];
    static readonly ExceptionTerms s_terms = new(new DateOnly(2026, 5, 31), "ticket 4711", "ops");
    static readonly DateTimeOffset s_now = new(2026, 5, 1, 12, 0, 0, TimeSpan.Zero);

    readonly ProvenTlsMemory _proven = new(new FakeTimeProvider(s_now));

    [Theory]
    [InlineData("old.test", "*", SecurityFloor.Plaintext)]
    [InlineData("old.test", "*.test", SecurityFloor.Plaintext)]
    [InlineData("*.test", "*", SecurityFloor.Plaintext)]
    [InlineData("*", "*", SecurityFloor.Authenticated)]
    [InlineData("old.test", "old.test", SecurityFloor.Authenticated)]
    [InlineData("*.test", "old.test", SecurityFloor.Authenticated)]
    [InlineData("sub.old.test", "*", SecurityFloor.Authenticated)]
    public async Task An_exception_lowers_what_rules_for_a_wider_destination_ask_for(string exception, string rule, SecurityFloor expected)
    {
        var host = await HostAsync("old.test", Exception(exception, SecurityFloor.Plaintext), Rule(rule, SecurityFloor.Authenticated));
        Assert.Equal(expected, host.Floor);
    }

    [Theory]
    [InlineData("old.test", SecurityFloor.Plaintext)]
    [InlineData("*.test", SecurityFloor.Authenticated)]
    [InlineData("*", SecurityFloor.Authenticated)]
    [InlineData("mx.hoster.test", SecurityFloor.Authenticated)]
    public async Task What_stands_in_no_configuration_an_exception_for_the_same_domain_lowers_too(string exception, SecurityFloor expected)
    {
        var host = await HostAsync("old.test", Exception(exception, SecurityFloor.Plaintext), Rule("old.test", SecurityFloor.Authenticated) with { Required = true });
        Assert.Equal(expected, host.Floor);
        Assert.Equal(expected is SecurityFloor.Plaintext, host.Lowered.Any());
    }

    [Theory]
    [InlineData(true, SecurityFloor.Plaintext)]
    [InlineData(false, SecurityFloor.Authenticated)]
    public async Task What_stands_in_no_configuration_is_about_a_domain_and_not_about_a_host_of_that_name(bool required, SecurityFloor expected) =>
        Assert.Equal(expected, (await HostAsync("old.test", Rule("mx.hoster.test", SecurityFloor.Authenticated) with { Required = required })).Floor);

    [Fact]
    public async Task What_stands_in_no_configuration_raises_beside_the_rules_that_do()
    {
        var written = Rule("old.test", SecurityFloor.Authenticated);
        var required = Rule("old.test", SecurityFloor.Encrypted) with { Required = true, Source = "required (old.test)", MinimumVersion = TlsVersion.Tls13 };
        var host = await HostAsync("old.test", written, required);
        Assert.Equal((SecurityFloor.Authenticated, TlsVersion.Tls13), (host.Floor, host.MinimumVersion));
    }

    [Theory]
    [InlineData(null, true)]
    [InlineData(SecurityFloor.Encrypted, true)]
    [InlineData(SecurityFloor.Authenticated, false)]
    public async Task What_stands_in_no_configuration_lends_no_name_where_the_configuration_asks_for_one(SecurityFloor? written, bool lends)
    {
        var required = Rule("old.test", SecurityFloor.Authenticated) with { Required = true, Source = "required (old.test)", Names = ["mx.hoster.test"] };
        ImmutableArray<OutboundRule> rules = written is { } floor ? [Rule("*.test", floor) with { Names = ["written.test"] }, required] : [required];
        var host = await HostAsync("old.test", [.. rules]);
        Assert.Equal(SecurityFloor.Authenticated, host.Floor);
        Assert.Equal(lends, host.ReferenceNames.Contains("mx.hoster.test"));
        Assert.Equal(written is not null, host.ReferenceNames.Contains("written.test"));
    }

    [Fact]
    public async Task Both_the_exception_and_what_it_lowers_stay_in_the_plan()
    {
        _proven.Prove("mx.hoster.test", 25, s_now);
        var host = await HostAsync("old.test", Rule("*", SecurityFloor.Authenticated), Exception("old.test", SecurityFloor.Plaintext));

        var exception = new TransportPolicy.Operator(SecurityFloor.Plaintext, "exception old.test", s_terms);
        Assert.Equal(
            [
                new TransportPolicy.Opportunistic(),
                new TransportPolicy.Excepted(new TransportPolicy.Operator(SecurityFloor.Authenticated, "rule *"), exception),
                exception,
                new TransportPolicy.Excepted(new TransportPolicy.ProvenTls(s_now), exception),
            ],
            host.Policies.AsEnumerable());
        Assert.Equal(SecurityFloor.Plaintext, host.Floor);
        Assert.Equal(2, host.Lowered.Count());
    }

    [Fact]
    public async Task An_exception_asks_for_its_own_floor()
    {
        var host = await HostAsync("old.test", Rule("*", SecurityFloor.Authenticated), Exception("old.test", SecurityFloor.Encrypted));
        Assert.Equal(SecurityFloor.Encrypted, host.Floor);

        // The memory asks for no more than that.
        Assert.Equal(new TransportPolicy.ProvenTls(s_now), host.With(new TransportPolicy.ProvenTls(s_now)).Policies[^1]);
    }

    [Fact]
    public async Task The_narrower_of_two_exceptions_holds()
    {
        var host = await HostAsync(
            "old.test",
            Rule("*", SecurityFloor.Authenticated),
            Exception("*.test", SecurityFloor.Encrypted),
            Exception("old.test", SecurityFloor.Plaintext));
        Assert.Equal(SecurityFloor.Plaintext, host.Floor);
    }

    [Fact]
    public async Task An_exception_for_a_host_holds_only_where_nobody_can_forge_the_way_to_it()
    {
        ImmutableArray<OutboundRule> rules = [Rule("*", SecurityFloor.Encrypted), Exception("mx.hoster.test", SecurityFloor.Plaintext)];
        Assert.Equal(SecurityFloor.Encrypted, (await HostAsync("old.test", [.. rules])).Floor);
        Assert.Equal(SecurityFloor.Plaintext, (await HostAsync("signed.test", [.. rules])).Floor);

        // Not even towards what is learnt later.
        var host = await HostAsync("old.test", Exception("mx.hoster.test", SecurityFloor.Plaintext));
        Assert.Equal(SecurityFloor.Encrypted, host.With(new TransportPolicy.ProvenTls(s_now)).Floor);
    }

    [Fact]
    public async Task What_is_learnt_after_the_plan_is_lowered_as_well_and_once()
    {
        var plan = await HostAsync("old.test", Exception("old.test", SecurityFloor.Plaintext));
        var later = plan.With(new TransportPolicy.ProvenTls(s_now)).With(new TransportPolicy.ProvenTls(s_now.AddHours(1)));
        Assert.Equal(SecurityFloor.Plaintext, later.Floor);
        Assert.Equal(new TransportPolicy.ProvenTls(s_now.AddHours(1)), Assert.Single(later.Lowered).Policy);
    }

    [Fact]
    public async Task The_domain_table_the_smart_host_and_credentials_are_never_lowered()
    {
        ImmutableArray<OutboundRule> rules = [Exception("old.test", SecurityFloor.Plaintext)];
        var smartHost = new NextHop(DomainName.Parse("smart.test"), null, 465, TlsStart.Implicit);
        var table = new Routing
        {
            Domains = ImmutableDictionary<DomainName, DomainRoute>.Empty.Add(
                DomainName.Parse("old.test"), new DomainRoute(smartHost, SecurityFloor.Authenticated, null)),
            Rules = rules,
        };
        Assert.Equal(SecurityFloor.Authenticated, (await HostAsync(table, "old.test")).Floor);

        var smart = new Routing { SmartHost = smartHost, SmartHostFloor = SecurityFloor.Authenticated, Rules = rules };
        Assert.Equal(SecurityFloor.Authenticated, (await HostAsync(smart, "old.test")).Floor);
        smart = smart with { SmartHostFloor = null, SmartHostCredentials = true };
        Assert.Equal(SecurityFloor.Encrypted, (await HostAsync(smart, "old.test")).Floor);
    }

    [Property]
    public Property Without_an_exception_no_rule_lowers_a_floor() => Prop.ForAll(
        Arb.From(from rules in Rules(exceptions: false) from domain in Gen.Elements(s_domains) from proven in Gen.Elements(true, false) select (rules, domain, proven)),
        sample =>
        {
            if (sample.proven)
            {
                _proven.Prove("mx.hoster.test", 25, s_now);
            }

            for (var i = 0; i < sample.rules.Length; i++)
            {
                var without = Floor(sample.domain, sample.rules.RemoveAt(i));
                Assert.True(Floor(sample.domain, sample.rules) >= without);
            }
        });

    [Property]
    public Property An_exception_is_never_worse_than_the_lowest_of_its_kind() => Prop.ForAll(
        Arb.From(from rules in Rules(exceptions: true) from domain in Gen.Elements(s_domains) select (rules, domain)),
        sample =>
        {
            var host = Host(sample.domain, sample.rules);
            var asked = host.Policies.Select(policy => policy is TransportPolicy.Excepted excepted ? excepted.Policy : policy).ToList();
            var exceptions = asked.OfType<TransportPolicy.Operator>().Where(policy => policy.Exception is not null).ToList();

            // Nothing is hidden, and nothing falls below what somebody answers for.
            var highest = asked.Max(policy => policy.Floor);
            Assert.True(host.Floor == highest || exceptions.Exists(exception => exception.Floor <= host.Floor));
            Assert.True(host.Floor == highest || host.Lowered.Any());
            Assert.All(host.Lowered, lowered => Assert.Contains(lowered.By, exceptions));
        });

    static Gen<ImmutableArray<OutboundRule>> Rules(bool exceptions) =>
        from count in Gen.Choose(0, 5)
        from rules in Gen.ArrayOf(
            from destination in Gen.Elements(s_destinations)
            from floor in Gen.Elements(SecurityFloor.Plaintext, SecurityFloor.Encrypted, SecurityFloor.Authenticated)
            from exception in Gen.Elements(exceptions, false)
            select exception ? Exception(destination, floor) : Rule(destination, floor),
            count)
        select rules.ToImmutableArray();

    static OutboundRule Rule(string destination, SecurityFloor floor) => new(destination, floor, [], $"rule {destination}");

    static OutboundRule Exception(string destination, SecurityFloor floor) => new(destination, floor, [], $"exception {destination}", s_terms);

    SecurityFloor Floor(string domain, ImmutableArray<OutboundRule> rules) => Host(domain, rules).Floor;

    /// <summary>A zone in memory answers at once.</summary>
    HostPlan Host(string domain, ImmutableArray<OutboundRule> rules) => HostAsync(new Routing { Rules = rules }, domain).GetAwaiter().GetResult();

    Task<HostPlan> HostAsync(string domain, params OutboundRule[] rules) => HostAsync(new Routing { Rules = [.. rules] }, domain);

    async Task<HostPlan> HostAsync(Routing routing, string domain) =>
        Assert.IsType<DeliveryPlan.Relay>(await new DeliveryPlanner(routing, ZoneResolver.Parse(Zone), _proven).PlanAsync(
            domain, null, TestContext.Current.CancellationToken)).Hosts[0];
}
