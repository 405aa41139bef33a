using System.Net;
using FsCheck.Xunit;
using Hopseal.Smtp.Server;
using Microsoft.Extensions.Time.Testing;

namespace Hopseal.Smtp.Tests.Server;

public sealed class ProxyHeaderTests
{
    static readonly IPNetwork s_loopback = IPNetwork.Parse("127.0.0.0/8");

    readonly MessageList _list = new();

    [Theory]
    [InlineData("PROXY TCP4 192.0.2.1 198.51.100.2 56324 25", "192.0.2.1:56324", "198.51.100.2:25")]
    [InlineData("PROXY TCP6 2001:db8::1 2001:db8::2 1 465", "[2001:db8::1]:1", "[2001:db8::2]:465")]
    public void A_text_header_names_the_client(string line, string source, string destination) =>
        Assert.Equal(new ProxyHeader.Client(IPEndPoint.Parse(source), IPEndPoint.Parse(destination)), ProxyHeader.ParseText(line));

    [Theory]
    [InlineData("PROXY UNKNOWN")]
    [InlineData("PROXY UNKNOWN ffff:f...f:ffff ffff:f...f:ffff 65535 65535")]
    public void A_text_header_may_name_nobody(string line) => Assert.IsType<ProxyHeader.Unnamed>(ProxyHeader.ParseText(line));

    [Theory]
    [InlineData("PROXY ")]
    [InlineData("PROXY TCP4 192.0.2.1 198.51.100.2 56324")]
    [InlineData("PROXY TCP4 192.0.2.1 198.51.100.2 56324 25 x")]
    [InlineData("PROXY TCP4 192.0.2.1  198.51.100.2 56324 25")]
    [InlineData("PROXY TCP4 ::1 ::1 1 25")]
    [InlineData("PROXY TCP6 192.0.2.1 192.0.2.1 1 25")]
    [InlineData("PROXY TCP4 192.0.2 198.51.100.2 1 25")]
    [InlineData("PROXY TCP4 0300.0.2.1 198.51.100.2 1 25")]
    [InlineData("PROXY TCP6 fe80::1%eth0 ::1 1 25")]
    [InlineData("PROXY TCP4 192.0.2.1 198.51.100.2 65536 25")]
    [InlineData("PROXY TCP4 192.0.2.1 198.51.100.2 -1 25")]
    [InlineData("PROXY TCP4 192.0.2.1 198.51.100.2 01 25")]
    [InlineData("PROXY UDP4 192.0.2.1 198.51.100.2 1 25")]
    [InlineData("proxy TCP4 192.0.2.1 198.51.100.2 1 25")]
    public void A_text_header_is_read_strictly(string line) => Assert.IsType<ProxyHeader.Bad>(ProxyHeader.ParseText(line));

    [Fact]
    public void A_binary_header_names_the_client()
    {
        byte[] four = [192, 0, 2, 1, 198, 51, 100, 2, 0xDC, 0x04, 0, 25, 0x04, 0, 0];
        Assert.Equal(
            new ProxyHeader.Client(IPEndPoint.Parse("192.0.2.1:56324"), IPEndPoint.Parse("198.51.100.2:25")),
            ProxyHeader.ParseBinary(0x21, 0x11, four));
        byte[] six = [.. IPAddress.Parse("2001:db8::1").GetAddressBytes(), .. IPAddress.IPv6Loopback.GetAddressBytes(), 0, 1, 0, 2];
        Assert.Equal(
            new ProxyHeader.Client(IPEndPoint.Parse("[2001:db8::1]:1"), IPEndPoint.Parse("[::1]:2")),
            ProxyHeader.ParseBinary(0x21, 0x21, six));
        Assert.IsType<ProxyHeader.Unnamed>(ProxyHeader.ParseBinary(0x20, 0x11, four));
        Assert.IsType<ProxyHeader.Unnamed>(ProxyHeader.ParseBinary(0x21, 0x00, []));
        Assert.IsType<ProxyHeader.Bad>(ProxyHeader.ParseBinary(0x21, 0x11, four.AsSpan(0, 11)));
        Assert.IsType<ProxyHeader.Bad>(ProxyHeader.ParseBinary(0x21, 0x21, six.AsSpan(0, 35)));
        Assert.IsType<ProxyHeader.Bad>(ProxyHeader.ParseBinary(0x11, 0x11, four));
        Assert.IsType<ProxyHeader.Bad>(ProxyHeader.ParseBinary(0x22, 0x11, four));
        Assert.IsType<ProxyHeader.Bad>(ProxyHeader.ParseBinary(0x21, 0x12, four));
        Assert.IsType<ProxyHeader.Bad>(ProxyHeader.ParseBinary(0x21, 0x31, new byte[216]));
    }

    [Property]
    public bool Nothing_in_a_header_is_an_exception(byte command, byte family, byte[] body, string text) =>
        ProxyHeader.ParseBinary(command, family, body) is not null && ProxyHeader.ParseText("PROXY TCP6 " + text) is not null;

    public static TheoryData<string, string> Headers => new()
    {
        { "PROXY TCP4 192.0.2.1 198.51.100.2 56324 25\r\n", "192.0.2.1:56324" },
        { "PROXY TCP6 2001:0db8:0000:0000:0000:0000:0000:0001 2001:0db8:0000:0000:0000:0000:0000:0002 65535 65535\r\n", "[2001:db8::1]:65535" },
        { "\r\n\r\n\0\r\nQUIT\n\u0021\u0011\0\u000c\u00c0\u0000\u0002\u0001\u00c6\u0033\u0064\u0002\u00dc\u0004\0\u0019", "192.0.2.1:56324" },
        { "\r\n\r\n\0\r\nQUIT\n\u0021\u0011\0\u000f\u00c0\u0000\u0002\u0001\u00c6\u0033\u0064\u0002\u00dc\u0004\0\u0019\u0004\0\0", "192.0.2.1:56324" },
    };

    /// <summary>What follows in the same segment belongs to the session.</summary>
    [Theory]
    [MemberData(nameof(Headers))]
    public async Task The_client_is_the_one_that_the_proxy_names(string header, string named)
    {
        await using var server = await StartAsync(TestServer.Options);
        await using var client = await SmtpTestClient.ConnectAsync(server.Endpoint);
        await client.SendAsync(header + "EHLO c\r\nQUIT\r\n");
        await client.ExpectAsync("220");
        await client.ExpectAsync("250");
        await client.ExpectAsync("221");
        Assert.Equal(IPEndPoint.Parse(named), (await server.SessionAsync()).Peer);
    }

    [Theory]
    [MemberData(nameof(Headers))]
    public async Task A_header_may_come_octet_by_octet(string header, string named)
    {
        await using var server = await StartAsync(TestServer.Options);
        await using var client = await SmtpTestClient.ConnectAsync(server.Endpoint);
        foreach (var octet in header)
        {
            await client.SendAsync(octet.ToString());
        }

        await client.ExpectAsync("220");
        await client.SayAsync("QUIT", "221");
        Assert.Equal(IPEndPoint.Parse(named), (await server.SessionAsync()).Peer);
    }

    [Theory]
    [MemberData(nameof(Headers))]
    public async Task A_tls_handshake_may_follow_in_the_same_segment(string header, string named)
    {
        await using var server = await StartAsync(TestServer.Options with { Mode = ListenerMode.ImplicitTls });
        await using var client = await SmtpTestClient.ConnectAsync(server.Endpoint);
        client.Socket.NoDelay = false;
        await client.SendAsync(header);
        await client.HandshakeAsync();
        await client.ExpectAsync("220");
        await client.SayAsync("QUIT", "221");
        Assert.Equal(IPEndPoint.Parse(named), (await server.SessionAsync()).Peer);
    }

    [Fact]
    public async Task A_proxy_that_speaks_for_itself_is_the_peer()
    {
        await using var server = await StartAsync(TestServer.Options);
        await using var client = await SmtpTestClient.ConnectAsync(server.Endpoint);
        await client.SendAsync("PROXY UNKNOWN\r\n");
        await client.ExpectAsync("220");
        await client.SayAsync("QUIT", "221");
        Assert.Equal(client.Local, (await server.SessionAsync()).Peer);
    }

    [Theory]
    [InlineData("EHLO client.test\r\n")]
    [InlineData("PROXY TCP4 nonsense\r\n")]
    [InlineData("PROXY UNKNOWN\nxxxxxx")]
    [InlineData("\r\n\r\n\0\r\nQUIT\n\u0021\u0011\u0008\u0001xxxx")]
    [InlineData("\r\n\r\n\0\r\nQUIT\n\u0021\u0011\0\u0004xxxx")]
    public async Task Without_a_good_header_there_is_no_session(string text)
    {
        await using var server = await StartAsync(TestServer.Options);
        await using var client = await SmtpTestClient.ConnectAsync(server.Endpoint);
        await client.SendAsync(text);
        Assert.Equal("", await client.ReadToEndAsync());
        var session = await server.SessionAsync();
        Assert.Equal((SessionEnd.BadProxyHeader, client.Local), (session.End, session.Peer));
    }

    [Fact]
    public async Task A_header_without_end_is_bounded()
    {
        await using var server = await StartAsync(TestServer.Options);
        await using var client = await SmtpTestClient.ConnectAsync(server.Endpoint);
        await client.SendAsync("PROXY UNKNOWN " + new string('x', 200));
        Assert.Equal("", await client.ReadToEndAsync());
        Assert.Equal(SessionEnd.BadProxyHeader, (await server.SessionAsync()).End);
    }

    [Fact]
    public async Task A_header_that_does_not_come_is_not_waited_for()
    {
        var clock = new FakeTimeProvider();
        await using var server = await TestServer.StartAsync(TestServer.Options, _list, clock, proxyFrom: [s_loopback]);
        await using var client = await SmtpTestClient.ConnectAsync(server.Endpoint);
        await client.SendAsync("PROXY TCP4 192.0.2.1");
        var end = client.ReadToEndAsync();
        while (!end.IsCompleted)
        {
            clock.Advance(TestServer.Options.HandshakeTimeout);
            await Task.WhenAny(end, Task.Delay(20, TestContext.Current.CancellationToken));
        }

        Assert.Equal("", await end);
        Assert.Equal(SessionEnd.BadProxyHeader, (await server.SessionAsync()).End);
    }

    [Fact]
    public async Task A_header_from_anybody_else_is_an_unknown_command()
    {
        await using var server = await TestServer.StartAsync(TestServer.Options, _list, proxyFrom: [IPNetwork.Parse("192.0.2.0/24")]);
        await using var client = await SmtpTestClient.GreetedAsync(server.Endpoint);
        await client.SayAsync("PROXY TCP4 192.0.2.1 198.51.100.2 56324 25", "500");
        await client.SayAsync("QUIT", "221");
        Assert.Equal(client.Local, (await server.SessionAsync()).Peer);
    }

    [Fact]
    public async Task Stopping_does_not_wait_for_a_header()
    {
        await using var server = await StartAsync(TestServer.Options);
        await using var client = await SmtpTestClient.ConnectAsync(server.Endpoint);
        while (server.Listener.Connections == 0)
        {
            await Task.Yield();
        }

        await server.Listener.StopAsync(TimeSpan.FromSeconds(25));
        Assert.Equal(SessionEnd.ShuttingDown, (await server.SessionAsync()).End);
    }

    [Fact]
    public async Task The_limit_per_address_holds_for_the_named_client()
    {
        await using var server = await TestServer.StartAsync(
            TestServer.Options, _list, limits: new ConnectionLimits(10, 1), proxyFrom: [s_loopback]);
        await using var first = await NamedAsync("192.0.2.1", "220");
        await using var second = await NamedAsync("192.0.2.2", "220");
        await using var third = await NamedAsync("192.0.2.1", "421 4.7.0");
        await third.ExpectEndAsync();

        async Task<SmtpTestClient> NamedAsync(string address, string expected)
        {
            var client = await SmtpTestClient.ConnectAsync(server.Endpoint);
            await client.SendAsync($"PROXY TCP4 {address} 198.51.100.2 56324 25\r\n");
            await client.ExpectAsync(expected);
            return client;
        }
    }

    Task<TestServer> StartAsync(ServerOptions options) => TestServer.StartAsync(options, _list, proxyFrom: [s_loopback]);
}
