using System.Collections.Immutable;
using System.Net;
using Hopseal.Dns;
using Hopseal.Smtp.Mail;
using Hopseal.Smtp.Tls;

namespace Hopseal.Policy.Tests;

public sealed class DestinationsTests
{
    static readonly NextHop s_inside = new(DomainName.Parse("inside.test"), null, 25, TlsStart.StartTls);
    static readonly NextHop s_outside = new(null, IPAddress.Parse("192.0.2.1"), 587, TlsStart.StartTls);

    static readonly Routing s_routing = new()
    {
        Domains = ImmutableDictionary<DomainName, DomainRoute>.Empty
            .Add(DomainName.Parse("one.test"), new DomainRoute(s_inside, null, null))
            .Add(DomainName.Parse("two.test"), new DomainRoute(s_inside, null, null))
            .Add(DomainName.Parse("bank.test"), new DomainRoute(s_inside, null, null))
            .Add(DomainName.Parse("locked.test"), new DomainRoute(s_inside, SecurityFloor.Encrypted, null))
            .Add(DomainName.Parse("other.test"), new DomainRoute(s_inside with { Port = 26 }, null, null))
            .Add(DomainName.Parse("kept.test"), new DomainRoute(null, null, "/mail"))
            .Add(DomainName.Parse("backup.test"), new DomainRoute(null, null, null))
            .Add(DomainName.Parse("locked-backup.test"), new DomainRoute(null, SecurityFloor.Authenticated, null)),
        Rules =
        [
            new OutboundRule("bank.test", SecurityFloor.Authenticated, [], "Outbound.Rules[0]"),
            new OutboundRule("*.example", SecurityFloor.Encrypted, [], "Outbound.Rules[1]"),
        ],
    };

    [Theory]
    [InlineData("one.test", "two.test", true, true)]
    [InlineData("one.test", "locked.test", true, false)]
    [InlineData("one.test", "bank.test", true, false)]
    [InlineData("bank.test", "locked.test", true, false)]
    [InlineData("one.test", "other.test", false, false)]
    [InlineData("one.test", "kept.test", false, false)]
    [InlineData("one.test", "a.example", false, false)]
    [InlineData("kept.test", "backup.test", false, false)]
    [InlineData("a.example", "b.example", false, false)]
    public void Without_a_smart_host(string one, string other, bool shareHop, bool shareFailures) =>
        Verify(new Destinations(s_routing), one, other, shareHop, shareFailures);

    [Theory]
    [InlineData("a.test", "b.test", true, true)]
    [InlineData("a.test", "backup.test", true, true)]
    [InlineData("a.test", "locked-backup.test", true, false)]
    [InlineData("a.test", "a.example", true, false)]
    [InlineData("b.example", "a.example", true, true)]
    [InlineData("a.test", "one.test", false, false)]
    [InlineData("a.test", "kept.test", false, false)]
    public void With_a_smart_host(string one, string other, bool shareHop, bool shareFailures) =>
        Verify(new Destinations(s_routing with { SmartHost = s_outside, SmartHostFloor = SecurityFloor.Encrypted }), one, other, shareHop, shareFailures);

    [Fact]
    public void A_rule_for_a_sender_sets_his_mail_apart_and_no_domain()
    {
        Assert.True(SenderPattern.TryParse("@boss.test", out var boss));
        var rule = new OutboundRule("*", SecurityFloor.Authenticated, [], "Outbound.Rules[0]") { Sender = boss };
        var destinations = new Destinations(new Routing { SmartHost = s_outside, Rules = [rule] });

        Assert.Equal(destinations.HopOf("a.test"), destinations.Of("a.test"));
        Assert.True(destinations.IsParticular(new Mailbox("anna", DomainName.Parse("boss.test"))));
        Assert.False(destinations.IsParticular(new Mailbox("anna", DomainName.Parse("other.test"))));
        Assert.False(destinations.IsParticular(null));
    }

    static void Verify(Destinations destinations, string one, string other, bool shareHop, bool shareFailures) => Assert.Equal(
        (shareHop, shareFailures),
        (destinations.HopOf(one) == destinations.HopOf(other), destinations.Of(one) == destinations.Of(other)));
}
