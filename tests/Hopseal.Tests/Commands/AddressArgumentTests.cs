using Hopseal.Commands;

namespace Hopseal.Tests.Commands;

public sealed class AddressArgumentTests
{
    [Theory]
    [InlineData("a@example.org", "a@example.org")]
    [InlineData("<a@example.org>", "a@example.org")]
    [InlineData("a.b+c=d@Example.ORG.", "a.b+c=d@example.org")]
    [InlineData("\"a b\\\"@c\"@example.org", "\"a b\\\"@c\"@example.org")]
    [InlineData("a@[192.0.2.1]", "a@[192.0.2.1]")]
    [InlineData("a@[IPv6:2001:db8::1]", "a@[IPv6:2001:db8::1]")]
    [InlineData("jürgen@bücher.example", "jürgen@bücher.example")]
    public void An_address_is_read(string text, string address)
    {
        Assert.Equal(address, AddressArgument.Parse(text).ToString());
    }

    [Theory]
    [InlineData("")]
    [InlineData("a")]
    [InlineData("a@")]
    [InlineData("@example.org")]
    [InlineData("a b@example.org")]
    [InlineData("a..b@example.org")]
    [InlineData("a@b@example.org")]
    [InlineData("\"a\"b\"@example.org")]
    [InlineData("a@192.0.2.1")]
    [InlineData("a@[example.org]")]
    [InlineData("a@*")]
    [InlineData("a\r\nRCPT TO:<b@example.org>@example.org")]
    public void What_is_no_address_is_refused(string text)
    {
        Assert.EndsWith(" is not an address", Assert.Throws<UsageException>(() => AddressArgument.Parse(text)).Message, StringComparison.Ordinal);
    }
}
