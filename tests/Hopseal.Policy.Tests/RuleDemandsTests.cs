using System.Collections.Immutable;
using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;
using Hopseal.Dns;
using Hopseal.Policy.Dane;
using Hopseal.Policy.MtaSts;
using Hopseal.Smtp.Mail;
using Hopseal.Smtp.Tls;
using Microsoft.Extensions.Time.Testing;

namespace Hopseal.Policy.Tests;

/// <summary>Rules for senders, and what rules ask for besides a floor.</summary>
public sealed class RuleDemandsTests
{
    const string Zone = """
        old.test             MX  10 mx.hoster.test
        mx.hoster.test       A   192.0.2.1
        $SECURE on
        signed.test          MX  10 mx.hoster.test
        $SECURE off
        """;

    static readonly string[] s_destinations = ["*", "*.test", "old.test", "signed.test", "mx.hoster.test", "[192.0.2.1]"];
    static readonly string?[] s_senders = [null, "boss@bank.test", "bank.test", "*.test"];
    static readonly string[] s_domains = ["old.test", "signed.test", "[192.0.2.1]"];
    static readonly Mailbox?[] s_mailboxes = [null, new("boss", DomainName.Parse("bank.test")), new("clerk", DomainName.Parse("bank.test"))];
    static readonly ExceptionTerms s_terms = new(new DateOnly(2026, 5, 31), "ticket 4711", "ops");
    static readonly DateTimeOffset s_now = new(2026, 5, 1, 12, 0, 0, TimeSpan.Zero);
    static readonly CertificatePin s_pin = new(PinnedPart.PublicKey, new string('1', 64));
    static readonly CertificatePin s_otherPin = new(PinnedPart.Certificate, new string('2', 64));
    static readonly CertificateFiles s_files = new("client.pem", "client.key");

    [Theory]
    [InlineData("boss@bank.test", SecurityFloor.Authenticated)]
    [InlineData("clerk@bank.test", SecurityFloor.Encrypted)]
    [InlineData("boss@other.test", SecurityFloor.Plaintext)]
    [InlineData(null, SecurityFloor.Plaintext)]
    public void A_rule_for_a_sender_applies_to_his_mail_alone(string? sender, SecurityFloor expected)
    {
        var host = Host(
            "old.test", Sender(sender),
            Rule("*", SecurityFloor.Authenticated, "boss@bank.test"),
            Rule("old.test", SecurityFloor.Encrypted, "@bank.test"));
        Assert.Equal(expected, host.Floor);
    }

    [Theory]
    [InlineData("old.test", "boss@bank.test", "*", null, SecurityFloor.Plaintext)]
    [InlineData("old.test", "boss@bank.test", "old.test", null, SecurityFloor.Plaintext)]
    [InlineData("old.test", "boss@bank.test", "old.test", "@bank.test", SecurityFloor.Plaintext)]
    [InlineData("old.test", "boss@bank.test", "old.test", "boss@bank.test", SecurityFloor.Authenticated)]
    [InlineData("old.test", null, "*", "boss@bank.test", SecurityFloor.Authenticated)]
    [InlineData("*", "boss@bank.test", "old.test", null, SecurityFloor.Authenticated)]
    [InlineData("old.test", "@bank.test", "*", "boss@bank.test", SecurityFloor.Authenticated)]
    public void An_exception_lowers_only_a_rule_that_is_for_all_it_is_for_and_more(
        string destination, string? sender, string wide, string? from, SecurityFloor expected)
    {
        var host = Host(
            "old.test", Sender("boss@bank.test"),
            Rule(wide, SecurityFloor.Authenticated, from),
            Rule(destination, SecurityFloor.Plaintext, sender) with { Exception = s_terms });
        Assert.Equal(expected, host.Floor);
    }

    [Fact]
    public void Of_two_versions_the_higher_counts_and_all_pins_and_authorities_stay()
    {
        var roots = TrustedRoots.Of();
        var host = Host(
            "old.test", null,
            Rule("*", SecurityFloor.Authenticated) with { MinimumVersion = TlsVersion.Tls13, Pins = [s_pin] },
            Rule("old.test", SecurityFloor.Authenticated) with { MinimumVersion = TlsVersion.Tls12, Pins = [s_otherPin], Authority = roots });
        Assert.Equal(TlsVersion.Tls13, host.MinimumVersion);
        Assert.Equal([s_pin, s_otherPin], host.Policies.OfType<TransportPolicy.Pinned>().SelectMany(policy => policy.Pins));
        Assert.Same(roots, Assert.Single(host.Policies.OfType<TransportPolicy.PrivateAuthority>()).Roots);
    }

    [Fact]
    public void An_exception_with_a_version_lowers_that_of_a_wider_rule_and_says_so()
    {
        var host = Host(
            "old.test", null,
            Rule("*", SecurityFloor.Encrypted) with { MinimumVersion = TlsVersion.Tls13 },
            Rule("old.test", SecurityFloor.Encrypted) with { MinimumVersion = TlsVersion.Tls12, Exception = s_terms });
        Assert.Equal((SecurityFloor.Encrypted, TlsVersion.Tls12), (host.Floor, host.MinimumVersion));
        Assert.IsType<TransportPolicy.MinimumVersion>(Assert.Single(host.Lowered).Policy);

        // Without a word about versions it lowers none.
        host = Host(
            "old.test", null,
            Rule("*", SecurityFloor.Authenticated) with { MinimumVersion = TlsVersion.Tls13 },
            Rule("old.test", SecurityFloor.Encrypted) with { Exception = s_terms });
        Assert.Equal((SecurityFloor.Encrypted, TlsVersion.Tls13), (host.Floor, host.MinimumVersion));
    }

    [Fact]
    public void What_an_exception_lets_a_destination_off_stays_in_the_plan_for_each_demand()
    {
        var host = Host(
            "old.test", null,
            Rule("*", SecurityFloor.Authenticated) with { Pins = [s_pin], Authority = TrustedRoots.Of(), MinimumVersion = TlsVersion.Tls13 },
            Rule("old.test", SecurityFloor.Plaintext) with { Exception = s_terms });
        Assert.Equal((SecurityFloor.Plaintext, TlsVersion.Tls12), (host.Floor, host.MinimumVersion));
        Assert.Equal(4, host.Lowered.Count());
    }

    [Theory]
    [InlineData(SecurityFloor.Plaintext, SecurityFloor.Plaintext)]
    [InlineData(SecurityFloor.Encrypted, SecurityFloor.Encrypted)]
    [InlineData(SecurityFloor.Authenticated, SecurityFloor.Authenticated)]
    public void An_exception_also_holds_against_what_the_recipients_side_published(SecurityFloor exception, SecurityFloor expected)
    {
        var host = Host("old.test", null, Rule("old.test", exception) with { Exception = s_terms });
        var published = Published().Aggregate(host, (plan, policy) => plan.With(policy));
        Assert.Equal(expected, published.Floor);
        Assert.Equal(
            Published().Where(policy => policy.Floor > exception),
            published.Policies.OfType<TransportPolicy.Excepted>().Select(excepted => excepted.Policy));
    }

    [Theory]
    [InlineData(SecurityFloor.Plaintext, false)]
    [InlineData(SecurityFloor.Encrypted, false)]
    [InlineData(SecurityFloor.Authenticated, true)]
    public void An_exception_lets_a_host_off_the_question_for_its_records_only_where_it_lets_it_off_the_answer(SecurityFloor floor, bool excluded)
    {
        var host = Host("old.test", null, Rule("old.test", floor) with { Exception = s_terms });
        var failure = new TlsFailure(TlsResultType.DnssecInvalid, "servfail");
        PublishedPolicies.Add(
            host, new StsFinding.None("none", []), new DaneFinding.Failed(failure), DomainName.Parse("old.test"), out var why);
        Assert.Equal(excluded ? failure : null, why);
    }

    [Fact]
    public void The_certificate_of_the_narrowest_rule_is_shown_and_only_where_nobody_can_forge_the_way()
    {
        ImmutableArray<OutboundRule> rules =
        [
            Rule("*", SecurityFloor.Encrypted) with { ClientCertificate = new CertificateFiles("wide.pem", "wide.key") },
            Rule("old.test", SecurityFloor.Encrypted) with { ClientCertificate = s_files },
        ];
        Assert.Equal(new ShownCertificate(s_files, "rule old.test"), Host("old.test", null, [.. rules]).Certificate);
        Assert.Equal("wide.pem", Host("signed.test", null, [.. rules]).Certificate!.Files.Chain);

        var byHost = Rule("mx.hoster.test", SecurityFloor.Encrypted) with { ClientCertificate = s_files };
        Assert.Null(Host("old.test", null, byHost).Certificate);
        Assert.NotNull(Host("signed.test", null, byHost).Certificate);
    }

    [Fact]
    public void A_next_hop_by_address_is_found_by_its_address()
    {
        var routing = new Routing
        {
            SmartHost = new NextHop(null, System.Net.IPAddress.Parse("192.0.2.9"), 25, TlsStart.StartTls),
            Rules = [Rule("[192.0.2.9]", SecurityFloor.Authenticated) with { Pins = [s_pin] }],
        };
        var host = Host(routing, "old.test", null);
        Assert.True(Assert.Single(host.Policies.OfType<TransportPolicy.Pinned>()).Vouched);
    }

    [Property]
    public Property Adding_a_rule_never_lowers_a_floor_or_a_version_and_drops_no_demand() => Prop.ForAll(
        Arb.From(
            from rules in Gen.ArrayOf(Rules(exceptions: true), 4)
            from added in Rules(exceptions: false)
            from domain in Gen.Elements(s_domains)
            from sender in Gen.Elements(s_mailboxes)
            select (rules, added, domain, sender)),
        sample =>
        {
            var without = Host(sample.domain, sample.sender, sample.rules);
            var with = Host(sample.domain, sample.sender, [.. sample.rules, sample.added with { Source = "added" }]);
            Assert.True(with.Floor >= without.Floor);
            Assert.True(with.MinimumVersion >= without.MinimumVersion);
            Assert.All(without.Policies, policy => Assert.Contains(policy, with.Policies));
        });

    static Gen<OutboundRule> Rules(bool exceptions) =>
        from destination in Gen.Elements(s_destinations)
        from sender in Gen.Elements(s_senders)
        from floor in Gen.Elements(SecurityFloor.Plaintext, SecurityFloor.Encrypted, SecurityFloor.Authenticated)
        from version in Gen.Elements<TlsVersion?>(null, TlsVersion.Tls12, TlsVersion.Tls13)
        from pins in Gen.Elements<ImmutableArray<CertificatePin>>([], [s_pin], [s_pin, s_otherPin])
        from exception in Gen.Elements(exceptions, false)
        select Rule(destination, floor, sender) with
        {
            MinimumVersion = floor is SecurityFloor.Plaintext ? null : version,
            Pins = floor is SecurityFloor.Authenticated ? pins : [],
            Exception = exception ? s_terms : null,
        };

    static IEnumerable<TransportPolicy> Published() =>
    [
        new TransportPolicy.Dane(DomainName.Parse("mx.hoster.test"), [], [], SecureMx: false),
        new TransportPolicy.DaneUnusable(DomainName.Parse("mx.hoster.test"), []),
        new TransportPolicy.MtaSts(new StsPolicy(StsMode.Enforce, ["mx.hoster.test"], TimeSpan.FromDays(1), "1"), s_now),
    ];

    static OutboundRule Rule(string destination, SecurityFloor floor, string? sender = null) => new(destination, floor, [], $"rule {destination}")
    {
        Sender = sender is not null && SenderPattern.TryParse(sender, out var pattern) ? pattern : null,
    };

    static Mailbox? Sender(string? text) => text?.Split('@') is [var local, var domain] ? new Mailbox(local, DomainName.Parse(domain)) : null;

    static HostPlan Host(string domain, Mailbox? sender, params OutboundRule[] rules) => Host(new Routing { Rules = [.. rules] }, domain, sender);

    /// <summary>A zone in memory answers at once.</summary>
    static HostPlan Host(Routing routing, string domain, Mailbox? sender)
    {
        var planner = new DeliveryPlanner(routing, ZoneResolver.Parse(Zone), new ProvenTlsMemory(new FakeTimeProvider(s_now)));
        var planning = planner.PlanAsync(domain, sender, TestContext.Current.CancellationToken).AsTask();
        Assert.True(planning.IsCompletedSuccessfully);
        return Assert.IsType<DeliveryPlan.Relay>(planning.GetAwaiter().GetResult()).Hosts[0];
    }
}
