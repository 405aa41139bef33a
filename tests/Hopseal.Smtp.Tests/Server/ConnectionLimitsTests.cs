using System.Net;
using Hopseal.Smtp.Server;

namespace Hopseal.Smtp.Tests.Server;

public sealed class ConnectionLimitsTests
{
    [Fact]
    public void A_place_that_was_left_can_be_taken_again()
    {
        var limits = new ConnectionLimits(1, 1);
        Assert.True(limits.TryEnter());
        Assert.False(limits.TryEnter());
        Assert.Equal(1, limits.Current);
        limits.Leave();
        Assert.True(limits.TryEnter());
    }

    [Theory]
    [InlineData("192.0.2.1", "192.0.2.1", true)]
    [InlineData("192.0.2.1", "192.0.2.2", false)]
    [InlineData("192.0.2.1", "::ffff:192.0.2.1", true)]
    [InlineData("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", true)]
    [InlineData("2001:db8:1:2::1", "2001:db8:1:3::1", false)]
    [InlineData("fe80::1%1", "fe80::1%2", true)]
    public void A_client_is_an_ipv4_address_or_an_ipv6_network(string one, string other, bool same)
    {
        var limits = new ConnectionLimits(10, 1);
        Assert.True(limits.TryEnter(IPAddress.Parse(one)));
        Assert.Equal(!same, limits.TryEnter(IPAddress.Parse(other)));
        limits.Leave(IPAddress.Parse(one));
        Assert.True(limits.TryEnter(IPAddress.Parse(one)));
    }
}
