using System.Text;
using Hopseal.Smtp.Server;
using Hopseal.Smtp.Wire;
using Microsoft.Extensions.Time.Testing;

namespace Hopseal.Smtp.Tests.Server;

public sealed class AuthDialogueTests
{
    static readonly string s_right = Base64($"\0{OneUser.Name}\0{OneUser.Password}");
    static readonly string s_wrong = Base64($"\0{OneUser.Name}\0wrong horse");

    readonly MessageList _list = new();

    [Fact]
    public async Task A_user_may_send_after_authenticating()
    {
        await using var server = await TestServer.StartAsync(TestServer.Submission, _list);
        await using var client = await SmtpTestClient.GreetedAsync(server.Endpoint);
        await client.SayAsync("EHLO c", "250 STARTTLS");
        await client.StartTlsAsync();
        await client.SayAsync("EHLO c", "250 AUTH SCRAM-SHA-256 PLAIN LOGIN");
        await client.SayAsync("MAIL FROM:<a@x>", "530 5.7.0");
        await client.SayAsync($"AUTH PLAIN {s_right}", "235 2.7.0");
        await client.SayAsync($"AUTH PLAIN {s_right}", "503 5.5.1");
        await client.SayAsync("EHLO again", "250");
        await client.SayAsync("MAIL FROM:<a@x>", "250");
        await client.SayAsync("RCPT TO:<b@y>", "250");
        await client.SayAsync("DATA", "354");
        await client.SayAsync(".", "250");
        await client.SayAsync("QUIT", "221");

        Assert.Equal((OneUser.Name, "again"), (Assert.Single(_list.Messages).Session.User, _list.Messages.First().Session.Hello));
        var session = await server.SessionAsync();
        Assert.Equal((OneUser.Name, 0), (session.User, session.AuthenticationFailures));
        Assert.DoesNotContain(session.Transcript!.Lines, line => line.Text.Contains(s_right, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Plain_and_login_are_asked_for_what_is_missing()
    {
        await using var server = await TestServer.StartAsync(TestServer.Submission, _list);
        await using (var client = await SecuredAsync(server))
        {
            await client.SayAsync("AUTH PLAIN", "334 ");
            await client.SayAsync(s_right, "235 2.7.0");
            await client.SayAsync("QUIT", "221");
        }

        Assert.Equal(
            ["AUTH PLAIN", "(credentials)", "QUIT"],
            (await server.SessionAsync()).Transcript!.Lines.Where(line => line.Speaker is Speaker.Client).Select(line => line.Text).TakeLast(3));

        await using (var client = await SecuredAsync(server))
        {
            await client.SayAsync("AUTH LOGIN", "334 VXNlcm5hbWU6");
            await client.SayAsync(Base64(OneUser.Name), "334 UGFzc3dvcmQ6");
            await client.SayAsync(Base64(OneUser.Password), "235 2.7.0");
        }
    }

    [Fact]
    public async Task What_is_no_exchange_is_refused_and_the_session_goes_on()
    {
        await using var server = await TestServer.StartAsync(TestServer.Submission, _list);
        await using var client = await SecuredAsync(server);
        await client.SayAsync("AUTH CRAM-MD5", "504 5.5.4");
        await client.SayAsync("AUTH PLAIN", "334 ");
        await client.SayAsync("*", "501 5.7.0");
        await client.SayAsync("AUTH PLAIN", "334 ");
        await client.SayAsync("this is not base64", "501 5.5.2");
        await client.SayAsync("AUTH PLAIN =", "501 5.5.2");
        await client.SayAsync("AUTH PLAIN", "334 ");
        await client.SayAsync(new string('A', 12287), "500 5.5.6");
        await client.SayAsync($"AUTH PLAIN {new string('A', 12272)}", "501 5.5.2"); // long, but not too long
        await client.SayAsync($"AUTH PLAIN {new string('A', 12300)}", "500 5.5.2");
        await client.SayAsync($"NOOP {new string('A', 3000)}", "500 5.5.2");
        await client.SayAsync($"AUTH PLAIN {s_right}", "235");
    }

    [Fact]
    public async Task Guessing_becomes_slower_and_is_cut_off()
    {
        var clock = new FakeTimeProvider();
        await using var server = await TestServer.StartAsync(TestServer.Submission, _list, clock);
        await using var client = await SecuredAsync(server);
        var times = new List<TimeSpan>();
        foreach (var expected in new[] { "535 5.7.8", "535 5.7.8", "421 4.7.0" })
        {
            var before = clock.GetUtcNow();
            var reply = client.SayAsync($"AUTH PLAIN {s_wrong}", expected);
            while (!reply.IsCompleted)
            {
                clock.Advance(TimeSpan.FromMilliseconds(100));
                await Task.WhenAny(reply, Task.Delay(5, TestContext.Current.CancellationToken));
            }

            await reply;
            times.Add(clock.GetUtcNow() - before);
        }

        Assert.True(times[0] >= TimeSpan.FromSeconds(1) && times[1] >= TimeSpan.FromSeconds(2) && times[2] >= TimeSpan.FromSeconds(4));
        await client.ExpectEndAsync();
        await client.CloseAsync();
        var session = await server.SessionAsync();
        Assert.Equal((SessionEnd.TooManyAuthenticationFailures, 3, null), (session.End, session.AuthenticationFailures, session.User));
    }

    [Fact]
    public async Task A_fault_of_the_user_store_is_temporary()
    {
        await using var server = await TestServer.StartAsync(TestServer.Submission with { Credentials = new BrokenCredentials() }, _list);
        await using var client = await SecuredAsync(server);
        await client.SayAsync($"AUTH PLAIN {s_right}", "454 4.7.0");
        await client.SayAsync("MAIL FROM:<a@x>", "530 5.7.0");
        await client.SayAsync("QUIT", "221");
        Assert.Contains("the user store is gone", (await server.SessionAsync()).Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Outside_tls_there_is_no_authentication()
    {
        var options = TestServer.Submission with { Mode = ListenerMode.StartTls };
        await using var server = await TestServer.StartAsync(options, _list);
        await using var client = await SmtpTestClient.GreetedAsync(server.Endpoint);
        Assert.DoesNotContain("AUTH", await client.SayAsync("EHLO c", "250"), StringComparison.Ordinal);
        await client.SayAsync($"AUTH PLAIN {s_right}", "538 5.7.11");
        await client.SayAsync("MAIL FROM:<a@x>", "530 5.7.0");
    }

    static async Task<SmtpTestClient> SecuredAsync(TestServer server)
    {
        var client = await SmtpTestClient.GreetedAsync(server.Endpoint);
        await client.StartTlsAsync();
        await client.SayAsync("EHLO c", "250");
        return client;
    }

    static string Base64(string text) => Convert.ToBase64String(Encoding.UTF8.GetBytes(text));
}
