using Hopseal.Smtp.Server;
using Hopseal.Smtp.Tls;
using Microsoft.Extensions.Time.Testing;

namespace Hopseal.Smtp.Tests.Server;

/// <summary>Time, by a clock that only the test moves.</summary>
public sealed class DeadlineTests
{
    static readonly TimeSpan s_command = TestServer.Options.CommandTimeout;

    readonly FakeTimeProvider _clock = new();
    readonly MessageList _list = new();

    [Fact]
    public async Task A_silent_client_is_told_421()
    {
        await using var server = await TestServer.StartAsync(TestServer.Options, _list, _clock);
        await using var client = await SmtpTestClient.GreetedAsync(server.Endpoint);
        await client.SayAsync("EHLO c", "250");
        await AdvanceUntilAsync(client.ExpectAsync("421 4.4.2"), s_command);
        await client.ExpectEndAsync();
        await client.CloseAsync();
        var session = await server.SessionAsync();
        Assert.Equal(SessionEnd.TimedOut, session.End);
    }

    [Fact]
    public async Task A_silent_client_is_told_421_inside_tls()
    {
        await using var server = await TestServer.StartAsync(TestServer.Options, _list, _clock);
        await using var client = await SmtpTestClient.GreetedAsync(server.Endpoint);
        await client.StartTlsAsync();
        await client.SayAsync("EHLO c", "250");
        await AdvanceUntilAsync(client.ExpectAsync("421 4.4.2"), s_command);
        await client.ExpectEndAsync();
        await client.CloseAsync();
        Assert.Equal(SessionEnd.TimedOut, (await server.SessionAsync()).End);
    }

    [Fact]
    public async Task Octets_that_trickle_in_do_not_prolong_a_command()
    {
        await using var server = await TestServer.StartAsync(TestServer.Options, _list, _clock);
        await using var client = await SmtpTestClient.GreetedAsync(server.Endpoint);
        var reply = client.ExpectAsync("421 4.4.2");
        var passed = TimeSpan.Zero;
        while (!reply.IsCompleted)
        {
            Assert.True(passed < s_command * 2);
            await client.SendAsync("x");
            _clock.Advance(TimeSpan.FromSeconds(5));
            passed += TimeSpan.FromSeconds(5);
            await Task.WhenAny(reply, Task.Delay(10, TestContext.Current.CancellationToken));
        }

        await reply;
    }

    [Fact]
    public async Task Each_command_has_the_whole_time_again()
    {
        await using var server = await TestServer.StartAsync(TestServer.Options, _list, _clock);
        await using var client = await SmtpTestClient.GreetedAsync(server.Endpoint);
        for (var i = 0; i < 5; i++)
        {
            _clock.Advance(s_command * 0.9);
            await client.SayAsync("NOOP", "250");
        }
    }

    [Fact]
    public async Task A_message_has_a_deadline_however_busy_its_sender_is()
    {
        await using var server = await TestServer.StartAsync(TestServer.Options, _list, _clock);
        await using var client = await InTransactionAsync(server);
        await client.SayAsync("DATA", "354");
        var reply = client.ExpectAsync("421 4.4.2");
        var passed = TimeSpan.Zero;
        while (!reply.IsCompleted)
        {
            Assert.True(passed < TestServer.Options.MessageTimeout * 2);
            await client.SendAsync("still here\r\n");
            _clock.Advance(TimeSpan.FromSeconds(30));
            passed += TimeSpan.FromSeconds(30);
            await Task.WhenAny(reply, Task.Delay(10, TestContext.Current.CancellationToken));
        }

        await reply;
        await client.CloseAsync();
        Assert.Equal(SessionEnd.TimedOut, (await server.SessionAsync()).End);
        Assert.Empty(_list.Messages);
        Assert.Equal(0, _list.Open);
    }

    [Fact]
    public async Task A_message_in_chunks_has_one_deadline_for_all_of_them()
    {
        var options = TestServer.Options with { MessageTimeout = TimeSpan.FromMinutes(10) };
        await using var server = await TestServer.StartAsync(options, _list, _clock);
        await using var client = await InTransactionAsync(server);
        for (var i = 0; i < 3; i++)
        {
            await client.SendAsync("BDAT 1\r\nx");
            await client.ExpectAsync("250");
            _clock.Advance(TimeSpan.FromMinutes(3));
        }

        await AdvanceUntilAsync(client.ExpectAsync("421 4.4.2"), TimeSpan.FromMinutes(1));
        await client.CloseAsync();
        Assert.Equal(SessionEnd.TimedOut, (await server.SessionAsync()).End);
        Assert.Equal(0, _list.Open);
    }

    [Theory]
    [InlineData(ListenerMode.StartTls)]
    [InlineData(ListenerMode.ImplicitTls)]
    public async Task A_handshake_has_a_deadline_of_its_own(ListenerMode mode)
    {
        await using var server = await TestServer.StartAsync(TestServer.Options with { Mode = mode }, _list, _clock);
        await using var client = await SmtpTestClient.ConnectAsync(server.Endpoint);
        if (mode is ListenerMode.StartTls)
        {
            await client.ExpectAsync("220");
            await client.SayAsync("STARTTLS", "220");
        }

        await AdvanceUntilAsync(client.ReadToEndAsync(), TestServer.Options.HandshakeTimeout);
        var session = await server.SessionAsync();
        Assert.Equal(SessionEnd.HandshakeFailed, session.End);
        Assert.Equal("timed-out", Assert.Single(Assert.IsType<TlsOutcome.Refused>(session.Tls).Failures).ReasonCode);
    }

    [Fact]
    public async Task A_commit_is_not_interrupted_by_the_clock()
    {
        var gate = new TaskCompletionSource();
        _list.Gate = gate.Task;
        await using var server = await TestServer.StartAsync(TestServer.Options, _list, _clock);
        await using var client = await InTransactionAsync(server);
        await client.SayAsync("DATA", "354");
        await client.SendAsync("x\r\n.\r\n");
        await _list.Committing.Task.WaitAsync(TestContext.Current.CancellationToken);
        _clock.Advance(TimeSpan.FromDays(1));
        gate.SetResult();
        await client.ExpectAsync("250 2.0.0 Queued");
        await client.SayAsync("NOOP", "250");
    }

    [Fact]
    public async Task A_client_that_does_not_read_is_left()
    {
        await using var server = await TestServer.StartAsync(TestServer.Options with { MaxErrors = int.MaxValue }, _list, _clock);
        await using var client = await SmtpTestClient.GreetedAsync(server.Endpoint);
        client.Socket.ReceiveBufferSize = 4096;
        var sending = Task.Run(async () =>
        {
            var commands = string.Concat(Enumerable.Repeat("XYZZY\r\n", 10_000));
            while (true)
            {
                await client.SendAsync(commands);
            }
        }, TestContext.Current.CancellationToken);
        var session = server.SessionAsync();
        await AdvanceUntilAsync(session, s_command);
        Assert.Equal(SessionEnd.TimedOut, (await session).End);
        await Assert.ThrowsAnyAsync<IOException>(() => sending);
    }

    static async Task<SmtpTestClient> InTransactionAsync(TestServer server)
    {
        var client = await SmtpTestClient.GreetedAsync(server.Endpoint);
        await client.SayAsync("EHLO c", "250");
        await client.SayAsync("MAIL FROM:<a@x>", "250");
        await client.SayAsync("RCPT TO:<b@x>", "250");
        return client;
    }

    /// <summary>Moves the clock as often as it takes: the session may not yet have armed its timer the first time.</summary>
    async Task AdvanceUntilAsync(Task done, TimeSpan time)
    {
        while (!done.IsCompleted)
        {
            _clock.Advance(time);
            await Task.WhenAny(done, Task.Delay(20, TestContext.Current.CancellationToken));
        }

        await done;
    }
}
