using System.Net;
using System.Net.Sockets;
using Hopseal.Smtp.Server;
using Hopseal.Smtp.Tls;
using Microsoft.Extensions.Time.Testing;

namespace Hopseal.Smtp.Tests.Server;

public sealed class SmtpListenerTests
{
    readonly MessageList _list = new();

    [Fact]
    public async Task Connections_are_limited_in_total()
    {
        await using var server = await TestServer.StartAsync(TestServer.Options, _list, limits: new ConnectionLimits(2, 10));
        await using var first = await SmtpTestClient.GreetedAsync(server.Endpoint);
        await using (var second = await SmtpTestClient.GreetedAsync(server.Endpoint))
        {
            await using var third = await SmtpTestClient.ConnectAsync(server.Endpoint);
            await third.ExpectAsync("421 4.7.0");
            await third.ExpectEndAsync();
            Assert.Equal(SessionEnd.TooManyConnections, (await server.SessionAsync()).End);
            await second.SayAsync("QUIT", "221");
        }

        Assert.Equal(SessionEnd.Quit, (await server.SessionAsync()).End);
        await using var fourth = await SmtpTestClient.GreetedAsync(server.Endpoint);
    }

    [Fact]
    public async Task Connections_are_limited_for_each_client()
    {
        await using var server = await TestServer.StartAsync(TestServer.Options, _list, limits: new ConnectionLimits(10, 1));
        await using var first = await SmtpTestClient.GreetedAsync(server.Endpoint);
        await using var second = await SmtpTestClient.ConnectAsync(server.Endpoint);
        await second.ExpectAsync("421 4.7.0");
        await second.ExpectEndAsync();
        var session = await server.SessionAsync();
        Assert.Equal((SessionEnd.TooManyConnections, second.Local), (session.End, session.Peer));
        Assert.Equal("no-session", Assert.IsType<TlsOutcome.Plaintext>(session.Tls).Reason.ReasonCode);
    }

    [Fact]
    public async Task A_refused_tls_connection_is_closed_without_a_word()
    {
        await using var server = await TestServer.StartAsync(
            TestServer.Options with { Mode = ListenerMode.ImplicitTls }, _list, limits: new ConnectionLimits(0, 0));
        await using var client = await SmtpTestClient.ConnectAsync(server.Endpoint);
        Assert.Equal("", await client.ReadToEndAsync());
        Assert.Equal(SessionEnd.TooManyConnections, (await server.SessionAsync()).End);
    }

    [Fact]
    public async Task An_ipv6_listener_leaves_ipv4_alone()
    {
        await using var listener = new SmtpListener(
            new ListenerOptions { Name = "six", Endpoint = new IPEndPoint(IPAddress.IPv6Any, 0), Server = TestServer.Options },
            new ConnectionLimits(10, 10), _list, _ => { }, TimeProvider.System);
        Assert.Throws<InvalidOperationException>(() => listener.Endpoint);
        await listener.StartAsync();
        await using var client = await SmtpTestClient.GreetedAsync(new IPEndPoint(IPAddress.IPv6Loopback, listener.Endpoint.Port));
        using var four = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        four.Bind(new IPEndPoint(IPAddress.Loopback, listener.Endpoint.Port));
    }

    [Fact]
    public async Task An_endpoint_that_is_taken_is_an_error()
    {
        await using var server = await TestServer.StartAsync(TestServer.Options, _list);
        await using var second = new SmtpListener(
            new ListenerOptions { Name = "second", Endpoint = server.Endpoint, Server = TestServer.Options },
            new ConnectionLimits(10, 10), _list, _ => { }, TimeProvider.System);
        var error = await Assert.ThrowsAsync<SocketException>(second.StartAsync);
        Assert.Equal(SocketError.AddressAlreadyInUse, error.SocketErrorCode);
    }

    /// <summary>A restart must not wait for connections that the old process closed first.</summary>
    [Fact]
    public async Task An_endpoint_can_be_taken_over_at_once()
    {
        IPEndPoint endpoint;
        await using (var server = await TestServer.StartAsync(TestServer.Options, _list))
        {
            endpoint = server.Endpoint;
            await using var client = await SmtpTestClient.GreetedAsync(endpoint);
            await client.SayAsync("QUIT", "221");
            await client.ExpectEndAsync(); // the server closed first: its side is in TIME_WAIT
        }

        await using var next = new SmtpListener(
            new ListenerOptions { Name = "next", Endpoint = endpoint, Server = TestServer.Options },
            new ConnectionLimits(10, 10), _list, _ => { }, TimeProvider.System);
        await next.StartAsync();
        await using var again = await SmtpTestClient.GreetedAsync(endpoint);
    }

    [Fact]
    public async Task A_callback_that_throws_is_not_lost()
    {
        var listener = new SmtpListener(
            new ListenerOptions { Name = "x", Endpoint = new IPEndPoint(IPAddress.Loopback, 0), Server = TestServer.Options },
            new ConnectionLimits(10, 10), _list, _ => throw new InvalidOperationException("the callback broke"), TimeProvider.System);
        await listener.StartAsync();
        await using (var client = await SmtpTestClient.GreetedAsync(listener.Endpoint))
        {
            await client.SayAsync("QUIT", "221");
            await client.ExpectEndAsync();
        }

        await using (var client = await SmtpTestClient.GreetedAsync(listener.Endpoint))
        {
            await client.SayAsync("QUIT", "221");
        }

        await Assert.ThrowsAsync<InvalidOperationException>(() => listener.StopAsync(TimeSpan.FromSeconds(10)));
    }

    [Fact]
    public async Task Many_clients_at_once_are_all_served()
    {
        await using var server = await TestServer.StartAsync(TestServer.Options, _list);
        await Parallel.ForEachAsync(Enumerable.Range(0, 200), new ParallelOptions { MaxDegreeOfParallelism = 50, CancellationToken = TestContext.Current.CancellationToken }, async (number, _) =>
        {
            await using var client = await SmtpTestClient.GreetedAsync(server.Endpoint);
            await client.SayAsync("EHLO c", "250");
            await client.SendAsync($"MAIL FROM:<s{number}@x>\r\nRCPT TO:<b@x>\r\nDATA\r\n");
            await client.ExpectAsync("250");
            await client.ExpectAsync("250");
            await client.ExpectAsync("354");
            await client.SayAsync($"{number}\r\n.", "250");
            await client.SayAsync("QUIT", "221");
        });
        Assert.Equal(
            Enumerable.Range(0, 200).Select(number => ($"s{number}@x", $"{number}\r\n")).Order(),
            _list.Messages.Select(message => (message.Envelope.ReturnPath!.ToString(), message.Content)).Order());
    }

    [Fact]
    public async Task An_accept_that_fails_does_not_end_the_loop_and_does_not_spin()
    {
        var clock = new FakeTimeProvider();
        using var stopping = new CancellationTokenSource();
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        var begun = new TaskCompletionSource<Socket>();
        var failed = new TaskCompletionSource();
        var calls = 0;
        var loop = new AcceptLoop(
            async cancel =>
            {
                switch (++calls)
                {
                    case 1:
                        throw new SocketException((int)SocketError.ConnectionAborted);
                    case 2:
                        failed.SetResult();
                        throw new SocketException((int)SocketError.TooManyOpenSockets);
                    case 3:
                        return socket;
                    default:
                        await Task.Delay(Timeout.InfiniteTimeSpan, clock, cancel);
                        throw new System.Diagnostics.UnreachableException();
                }
            },
            begun.SetResult,
            clock);
        var running = loop.RunAsync(stopping.Token);
        await failed.Task.WaitAsync(TestContext.Current.CancellationToken);
        Assert.False(begun.Task.IsCompleted);
        clock.Advance(TimeSpan.FromSeconds(1));
        Assert.Same(socket, await begun.Task.WaitAsync(TestContext.Current.CancellationToken));
        Assert.Equal(1, loop.Failures);
        await stopping.CancelAsync();
        await running;
    }
}
