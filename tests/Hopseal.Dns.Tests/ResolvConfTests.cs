namespace Hopseal.Dns.Tests;

public sealed class ResolvConfTests
{
    [Theory]
    [InlineData("", "127.0.0.1:53", false)]
    [InlineData("nameserver 192.0.2.53\n", "192.0.2.53:53", false)]
    [InlineData("# nameserver 192.0.2.1\n;nameserver 192.0.2.2\nnameserver\t::1\r\noptions edns0 trust-ad", "[::1]:53", true)]
    [InlineData("nameserver 127.0.0.1\nsearch example.org\nnameserver none\nnameserver 192.0.2.1 # why\n", "127.0.0.1:53 192.0.2.1:53", false)]
    [InlineData("nameserver 10.0.0.1\nnameserver 10.0.0.2\nnameserver 10.0.0.3\nnameserver 10.0.0.4", "10.0.0.1:53 10.0.0.2:53 10.0.0.3:53", false)]
    public void Servers_and_trust_are_read(string text, string servers, bool trust)
    {
        var read = ResolvConf.Parse(text);
        Assert.Equal(servers, string.Join(' ', read.Servers));
        Assert.Equal(trust, read.TrustAuthenticData);
    }

    [Fact]
    public void A_missing_file_means_the_server_on_this_machine() =>
        Assert.Equal("127.0.0.1:53", Assert.Single(ResolvConf.Read(Path.Combine(Path.GetTempPath(), Path.GetRandomFileName())).Servers).ToString());
}
