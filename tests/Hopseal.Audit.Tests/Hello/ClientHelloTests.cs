using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using Hopseal.Audit.Hello;

namespace Hopseal.Audit.Tests.Hello;

public sealed class ClientHelloTests
{
    [Theory]
    [InlineData(WireVersion.Ssl30, 0x0300, 0x0300)]
    [InlineData(WireVersion.Tls10, 0x0301, 0x0301)]
    [InlineData(WireVersion.Tls12, 0x0301, 0x0303)]
    [InlineData(WireVersion.Tls13, 0x0301, 0x0303)]
    public void The_versions_of_the_record_and_of_the_hello_are_those_that_old_servers_take(WireVersion version, int record, int hello)
    {
        var octets = new ClientHello(version, [0x002F]).ToRecord();

        Assert.Equal(22, octets[0]);
        Assert.Equal((record, hello), ((octets[1] << 8) | octets[2], (octets[9] << 8) | octets[10]));
        Assert.Equal(octets.Length - 5, (octets[3] << 8) | octets[4]);
        Assert.Equal(octets.Length - 9, (octets[6] << 16) | (octets[7] << 8) | octets[8]);
    }

    [Fact]
    public void SSL_3_has_no_extensions_and_signals_by_suites()
    {
        var octets = new ClientHello(WireVersion.Ssl30, [0x0005]) { ServerName = "mx.test", Groups = [0x17] }.ToRecord();

        // Version, random, empty session, two suites, one compression.
        Assert.Equal(9 + 2 + 32 + 1 + 2 + 4 + 2, octets.Length);
        Assert.Equal([0x00, 0x05, 0x00, 0xFF, 1, 0], octets[^6..]);
    }

    [Fact]
    public void No_hello_has_a_length_that_old_servers_hang_on()
    {
        for (var suites = 1; suites < 300; suites++)
        {
            var length = new ClientHello(WireVersion.Tls12, [.. Enumerable.Range(1, suites)]) { ServerName = "mx.test" }.ToRecord().Length - 5;
            Assert.False(length is > 255 and < 512, $"{suites} suites: {length} octets");
        }
    }

    [Fact]
    public void More_than_a_record_holds_is_not_sent() =>
        Assert.Throws<InvalidOperationException>(() => new ClientHello(WireVersion.Tls12, [.. Enumerable.Range(1, 9000)]).ToRecord());

    /// <summary>Another reader gets as far as the name: the platform's.</summary>
    [Theory]
    [InlineData(WireVersion.Tls12)]
    [InlineData(WireVersion.Tls13)]
    public async Task The_platform_reads_what_is_written(WireVersion version)
    {
        var cancel = TestContext.Current.CancellationToken;
        using var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen(1);
        using var client = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await client.ConnectAsync(listener.LocalEndPoint!, cancel);
        using var accepted = await listener.AcceptAsync(cancel);
        var hello = HelloOffers.Older12("mx.test", version, HelloOffers.StrongFirst);
        hello = version is WireVersion.Tls13 ? HelloOffers.Tls13("mx.test", CipherSuites.Tls13, NamedGroups.Tls13) : hello;
        await client.SendAsync(hello.ToRecord(), cancel);
        string? read = null;
        await using var tls = new SslStream(new NetworkStream(accepted));

        await Assert.ThrowsAnyAsync<AuthenticationException>(() => tls.AuthenticateAsServerAsync(
            (_, info, _, _) =>
            {
                read = info.ServerName;
                throw new AuthenticationException("read enough");
            },
            null,
            cancel));

        Assert.Equal("mx.test", read);
    }
}
