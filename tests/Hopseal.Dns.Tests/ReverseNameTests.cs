using System.Net;

namespace Hopseal.Dns.Tests;

public sealed class ReverseNameTests
{
    /// <summary>The second and third are the examples of RFC 1035 §3.5 and RFC 3596 §2.5.</summary>
    [Theory]
    [InlineData("192.0.2.1", "1.2.0.192.in-addr.arpa")]
    [InlineData("10.2.0.52", "52.0.2.10.in-addr.arpa")]
    [InlineData("4321:0:1:2:3:4:567:89ab", "b.a.9.8.7.6.5.0.4.0.0.0.3.0.0.0.2.0.0.0.1.0.0.0.0.0.0.0.1.2.3.4.ip6.arpa")]
    [InlineData("::ffff:192.0.2.1", "1.2.0.192.in-addr.arpa")]
    public void An_address_has_one_name(string address, string name) => Assert.Equal(name, ReverseName.Of(IPAddress.Parse(address)).Ascii);
}
