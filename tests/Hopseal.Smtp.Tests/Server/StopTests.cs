using Hopseal.Smtp.Server;

namespace Hopseal.Smtp.Tests.Server;

public sealed class StopTests
{
    static readonly TimeSpan s_grace = TimeSpan.FromSeconds(25);

    readonly MessageList _list = new();

    [Fact]
    public async Task Sessions_that_wait_end_at_once()
    {
        await using var server = await TestServer.StartAsync(TestServer.Options, _list);
        await using var greeted = await SmtpTestClient.GreetedAsync(server.Endpoint);
        await using var ready = await SmtpTestClient.GreetedAsync(server.Endpoint);
        await ready.StartTlsAsync();
        await ready.SayAsync("EHLO c", "250");
        var stopping = server.Listener.StopAsync(s_grace);
        foreach (var client in new[] { greeted, ready })
        {
            await client.ExpectAsync("421 4.3.2");
            await client.ExpectEndAsync();
            await client.CloseAsync();
        }

        await stopping;
        Assert.Equal(SessionEnd.ShuttingDown, (await server.SessionAsync()).End);
        Assert.Equal(SessionEnd.ShuttingDown, (await server.SessionAsync()).End);
        Assert.Equal(0, server.Listener.Connections);
    }

    [Fact]
    public async Task A_transaction_may_end_first()
    {
        await using var one = await OneSession.StartAsync(TestServer.Options, _list);
        var client = one.Client;
        await client.ExpectAsync("220");
        await client.SayAsync("EHLO c", "250");
        await client.SayAsync("MAIL FROM:<a@x>", "250");
        one.Session.RequestStop();
        await client.SayAsync("RCPT TO:<b@x>", "250");
        await client.SayAsync("DATA", "354");
        await client.SendAsync("last words\r\n.\r\nMAIL FROM:<>\r\n");
        await client.ExpectAsync("250 2.0.0 Queued");
        await client.ExpectAsync("421 4.3.2");
        await client.ExpectEndAsync();
        await client.CloseAsync();
        Assert.Equal((SessionEnd.ShuttingDown, 1), await one.Summary is var session ? (session.End, session.Accepted) : default);
    }

    [Fact]
    public async Task A_transaction_that_is_given_up_is_an_end_too()
    {
        await using var one = await OneSession.StartAsync(TestServer.Options, _list);
        var client = one.Client;
        await client.ExpectAsync("220");
        await client.SayAsync("EHLO c", "250");
        await client.SayAsync("MAIL FROM:<a@x>", "250");
        await client.SayAsync("RCPT TO:<b@x>", "250");
        await client.SendAsync("BDAT 1\r\nx");
        await client.ExpectAsync("250");
        one.Session.RequestStop();
        await client.SendAsync("BDAT 1\r\nx");
        await client.ExpectAsync("250");
        await client.SayAsync("RSET", "250");
        await client.ExpectAsync("421 4.3.2");
        await client.CloseAsync();
        Assert.Equal(SessionEnd.ShuttingDown, (await one.Summary).End);
        Assert.Equal(0, _list.Open);
    }

    [Fact]
    public async Task Stopping_may_be_requested_at_any_time()
    {
        await using var before = await OneSession.StartAsync(TestServer.Options, _list, session => session.RequestStop());
        await before.Client.ExpectAsync("220");
        await before.Client.ExpectAsync("421 4.3.2");
        await before.Client.CloseAsync();
        await before.Summary;
        before.Session.RequestStop();
    }

    [Fact]
    public async Task What_takes_longer_than_the_grace_is_cut_off()
    {
        await using var server = await TestServer.StartAsync(TestServer.Options, _list);
        await using var client = await InTransactionAsync(server);
        await client.SayAsync("DATA", "354");
        await client.SendAsync("a message without");
        var stopping = server.Listener.StopAsync(TimeSpan.FromMilliseconds(50));
        await client.ExpectAsync("421 4.3.2");
        await client.CloseAsync();
        await stopping;
        Assert.Equal(SessionEnd.ShuttingDown, (await server.SessionAsync()).End);
        Assert.Empty(_list.Messages);
        Assert.Equal(0, _list.Open);
    }

    [Fact]
    public async Task A_commit_that_is_cut_off_gets_no_250()
    {
        _list.Gate = new TaskCompletionSource().Task;
        await using var server = await TestServer.StartAsync(TestServer.Options, _list);
        await using var client = await InTransactionAsync(server);
        await client.SayAsync("DATA", "354");
        await client.SendAsync("x\r\n.\r\n");
        await _list.Committing.Task.WaitAsync(TestContext.Current.CancellationToken);
        var stopping = server.Listener.StopAsync(TimeSpan.FromMilliseconds(50));
        await client.ExpectAsync("421 4.3.2");
        await client.CloseAsync();
        await stopping;
        Assert.Equal((SessionEnd.ShuttingDown, 0), await server.SessionAsync() is var session ? (session.End, session.Accepted) : default);
    }

    [Fact]
    public async Task No_new_connection_is_accepted()
    {
        await using var server = await TestServer.StartAsync(TestServer.Options, _list);
        var endpoint = server.Endpoint;
        await server.Listener.StopAsync(s_grace);
        await Assert.ThrowsAsync<System.Net.Sockets.SocketException>(() => SmtpTestClient.ConnectAsync(endpoint));
    }

    [Fact]
    public async Task An_unfinished_handshake_does_not_hold_up_a_stop()
    {
        await using var server = await TestServer.StartAsync(TestServer.Options with { Mode = ListenerMode.ImplicitTls }, _list);
        await using var client = await SmtpTestClient.ConnectAsync(server.Endpoint);
        await client.SendAsync("\u0016\u0003\u0001");
        while (server.Listener.Connections == 0)
        {
            await Task.Yield();
        }

        await server.Listener.StopAsync(TimeSpan.FromMinutes(5));
        Assert.Equal(SessionEnd.ShuttingDown, (await server.SessionAsync()).End);
    }

    static async Task<SmtpTestClient> InTransactionAsync(TestServer server)
    {
        var client = await SmtpTestClient.GreetedAsync(server.Endpoint);
        await client.SayAsync("EHLO c", "250");
        await client.SayAsync("MAIL FROM:<a@x>", "250");
        await client.SayAsync("RCPT TO:<b@x>", "250");
        return client;
    }
}
