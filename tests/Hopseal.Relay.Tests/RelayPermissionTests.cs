using System.Collections.Frozen;
using System.Net;
using Hopseal.Dns;

namespace Hopseal.Relay.Tests;

public sealed class RelayPermissionTests
{
    static readonly AcceptedDomains s_ours =
        new AcceptedDomains.Listed(new[] { DomainName.Parse("ours.example") }.ToFrozenSet());

    static readonly RelayPermission s_permission = new(
        s_ours, [IPNetwork.Parse("10.0.0.0/8"), IPNetwork.Parse("2001:db8:1::/48"), IPNetwork.Parse("::ffff:172.16.0.0/108")]);

    [Theory]
    // Anyone may send to our domains, and nowhere else.
    [InlineData("192.0.2.1", null, "user@ours.example", RelayDecision.Accepted)]
    [InlineData("192.0.2.1", null, "USER+tag@OURS.EXAMPLE", RelayDecision.Accepted)]
    [InlineData("192.0.2.1", null, "user@other.example", RelayDecision.RelayDenied)]
    [InlineData("192.0.2.1", null, "user@sub.ours.example", RelayDecision.RelayDenied)]
    [InlineData("192.0.2.1", null, "user@notours.example", RelayDecision.RelayDenied)]
    [InlineData("192.0.2.1", null, "user@[127.0.0.1]", RelayDecision.RelayDenied)]
    [InlineData("192.0.2.1", null, "user@[IPv6:::1]", RelayDecision.RelayDenied)]
    // A route in the local part is a destination elsewhere.
    [InlineData("192.0.2.1", null, "user%other.example@ours.example", RelayDecision.RoutedLocalPart)]
    [InlineData("192.0.2.1", null, "other.example!user@ours.example", RelayDecision.RoutedLocalPart)]
    [InlineData("192.0.2.1", null, "\"user@other.example\"@ours.example", RelayDecision.RoutedLocalPart)]
    [InlineData("192.0.2.1", null, "\"user\\@other.example\"@ours.example", RelayDecision.RoutedLocalPart)]
    [InlineData("192.0.2.1", null, "\"user%other.example\"@ours.example", RelayDecision.RoutedLocalPart)]
    [InlineData("192.0.2.1", null, "\"@a,@b:user\"@ours.example", RelayDecision.RoutedLocalPart)]
    [InlineData("192.0.2.1", null, "\"x:y\"@ours.example", RelayDecision.RoutedLocalPart)]
    [InlineData("192.0.2.1", null, "user\uFF05other.example@ours.example", RelayDecision.RoutedLocalPart)]
    [InlineData("192.0.2.1", null, "user\uFE6Bother.example@ours.example", RelayDecision.RoutedLocalPart)]
    [InlineData("192.0.2.1", null, "user%ours.example@other.example", RelayDecision.RelayDenied)]
    // Odd, and none of our business.
    [InlineData("192.0.2.1", null, "\"john doe\"@ours.example", RelayDecision.Accepted)]
    [InlineData("192.0.2.1", null, "j\u00FCrgen@ours.example", RelayDecision.Accepted)]
    [InlineData("192.0.2.1", null, "/g=john/s=doe@ours.example", RelayDecision.Accepted)]
    // Our own clients may send anywhere.
    [InlineData("10.1.2.3", null, "user@other.example", RelayDecision.Accepted)]
    [InlineData("10.1.2.3", null, "user%other.example@ours.example", RelayDecision.Accepted)]
    [InlineData("10.1.2.3", null, "user@[192.0.2.9]", RelayDecision.Accepted)]
    [InlineData("11.0.0.1", null, "user@other.example", RelayDecision.RelayDenied)]
    [InlineData("2001:db8:1::25", null, "user@other.example", RelayDecision.Accepted)]
    [InlineData("2001:db8:2::25", null, "user@other.example", RelayDecision.RelayDenied)]
    // An IPv4 client on a dual-stack socket, and a network written that way.
    [InlineData("::ffff:10.1.2.3", null, "user@other.example", RelayDecision.Accepted)]
    [InlineData("::ffff:192.0.2.1", null, "user@other.example", RelayDecision.RelayDenied)]
    [InlineData("172.16.5.5", null, "user@other.example", RelayDecision.Accepted)]
    // Users too, from wherever they are.
    [InlineData("192.0.2.1", "app", "user@other.example", RelayDecision.Accepted)]
    [InlineData("192.0.2.1", "app", "user@[192.0.2.9]", RelayDecision.Accepted)]
    public void Mail_goes_where_it_may(string client, string? user, string recipient, RelayDecision decision) =>
        Assert.Equal(decision, s_permission.Decide(IPAddress.Parse(client), user, Scratch.Mailbox(recipient)));

    [Fact]
    public void A_machine_that_keeps_all_mail_takes_all_mail()
    {
        var all = new RelayPermission(new AcceptedDomains.Any(), []);
        Assert.Equal(RelayDecision.Accepted, all.Decide(IPAddress.Loopback, null, Scratch.Mailbox("a@any.example")));
    }

    [Fact]
    public void With_nothing_configured_nothing_is_taken()
    {
        var none = new RelayPermission(new AcceptedDomains.Listed(FrozenSet<DomainName>.Empty), []);
        Assert.Equal(RelayDecision.RelayDenied, none.Decide(IPAddress.Loopback, null, Scratch.Mailbox("a@any.example")));
    }
}
