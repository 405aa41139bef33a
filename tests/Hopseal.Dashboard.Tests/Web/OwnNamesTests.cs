using Hopseal.Dashboard.Web;
using Microsoft.AspNetCore.Http;

namespace Hopseal.Dashboard.Tests.Web;

public sealed class OwnNamesTests
{
    readonly OwnNames _names = new(["mx1.example.org"]);

    [Theory]
    [InlineData("localhost:8025", true)]
    [InlineData("127.0.0.1:8025", true)]
    [InlineData("[::1]:8025", true)]
    [InlineData("192.0.2.7", true)]
    [InlineData("MX1.example.org", true)]
    [InlineData("mx1.example.org.", true)]
    [InlineData("rebound.attacker.example", false)]
    [InlineData("127.0.0.1.attacker.example", false)]
    [InlineData("localhost.attacker.example", false)]
    [InlineData("", false)]
    public void Only_by_our_own_names_and_by_addresses_are_we_known(string host, bool known) =>
        Assert.Equal(known, _names.Hold(new HostString(host)));
}
