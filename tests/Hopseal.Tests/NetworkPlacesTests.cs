using System.Net;

namespace Hopseal.Tests;

public sealed class NetworkPlacesTests
{
    [Theory]
    [InlineData("192.0.2.77", "192.0.2.0")]
    [InlineData("::ffff:192.0.2.77", "192.0.2.0")]
    [InlineData("2001:db8:1:2:3:4:5:6", "2001:db8:1::")]
    [InlineData("fe80::1%3", "fe80::")]
    public void A_network_is_what_one_site_gets(string address, string network) =>
        Assert.Equal(IPAddress.Parse(network), NetworkPlaces.NetworkOf(IPAddress.Parse(address)));
}
