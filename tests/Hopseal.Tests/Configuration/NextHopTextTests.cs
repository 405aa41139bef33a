using Hopseal.Configuration;

namespace Hopseal.Tests.Configuration;

public sealed class NextHopTextTests
{
    [Theory]
    [InlineData("b.example", "b.example", 25, "StartTls")]
    [InlineData("B.Example.:2525", "b.example", 2525, "StartTls")]
    [InlineData("smtp://b.example", "b.example", 25, "StartTls")]
    [InlineData("smtps://b.example", "b.example", 465, "Implicit")]
    [InlineData("SMTPS://b.example:4650", "b.example", 4650, "Implicit")]
    [InlineData("192.0.2.1", "192.0.2.1", 25, "StartTls")]
    [InlineData("192.0.2.1:26", "192.0.2.1", 26, "StartTls")]
    [InlineData("[2001:db8::1]", "2001:db8::1", 25, "StartTls")]
    [InlineData("smtps://[2001:DB8:0::1]:26", "2001:db8::1", 26, "Implicit")]
    public void A_next_hop_is_read(string text, string host, int port, string start)
    {
        var hop = NextHopText.Parse(text);
        Assert.NotNull(hop);
        Assert.Equal((host, port, start), (hop.Host?.Ascii ?? hop.Address?.ToString(), hop.Port, hop.Start.ToString()));
    }

    [Theory]
    [InlineData("")]
    [InlineData(":25")]
    [InlineData("b.example:")]
    [InlineData("b.example:0")]
    [InlineData("b.example:65536")]
    [InlineData("b.example:+25")]
    [InlineData("b.example:25/")]
    [InlineData("https://b.example")]
    [InlineData("2001:db8::1")]
    [InlineData("[192.0.2.1]")]
    [InlineData("[2001:db8::1")]
    [InlineData("[2001:db8::1]25")]
    [InlineData("127.1")]
    [InlineData("0x7f.0.0.1")]
    [InlineData("smtp://user@b.example")]
    public void Anything_else_is_none(string text)
    {
        Assert.Null(NextHopText.Parse(text));
    }
}
