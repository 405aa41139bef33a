using System.Security.Authentication;
using System.Text;
using Hopseal.Smtp.Mail;
using Hopseal.Smtp.Server;
using Hopseal.Smtp.Tls;
using Hopseal.Smtp.Wire;

namespace Hopseal.Smtp.Tests.Server;

public sealed class RequireTlsTests
{
    static readonly TlsOutcome.Encrypted s_tls =
        new(SslProtocols.Tls13, "TLS_AES_256_GCM_SHA384", PeerIdentity.Unauthenticated, null, "mx.test", TimeSpan.Zero, []);

    readonly MessageList _list = new();

    /// <summary>RFC 8689 §2: the parameter is for sessions inside TLS, and has no value.</summary>
    [Theory]
    [InlineData(true, true, true, "REQUIRETLS", "taken")]
    [InlineData(true, true, true, "requiretls SIZE=1", "taken")]
    [InlineData(true, true, true, "REQUIRETLS=YES", "501 5.5.4")]
    [InlineData(true, true, true, "REQUIRETLS=", "501 5.5.4")]
    [InlineData(true, true, true, "REQUIRETLS REQUIRETLS", "501 5.5.4")]
    [InlineData(true, true, true, "REQUIRETLSX", "555 5.5.4")]
    [InlineData(true, false, true, "REQUIRETLS", "555 5.5.4")]
    [InlineData(false, true, true, "REQUIRETLS", "530 5.7.10")]
    [InlineData(false, false, true, "REQUIRETLS", "555 5.5.4")]
    [InlineData(false, true, false, "REQUIRETLS", "555 5.5.4")]
    public void Who_requires_tls_says_so_inside_tls(bool tls, bool extended, bool certificate, string parameters, string expected)
    {
        var ready = new ServerState.Ready("client", extended, tls ? s_tls : null, null);
        var options = certificate ? TestServer.Options : TestServer.Options with { Certificates = null };

        var (next, action) = ServerStep.Step(ready, SmtpCommandParser.Parse(Encoding.ASCII.GetBytes($"MAIL FROM:<a@b> {parameters}")), options);

        Assert.Equal(expected, action is ServerAction.Say { Reply: var refusal } ? $"{refusal.Code} {refusal.Status}" : "taken");
        Assert.Equal(expected == "taken", next is ServerState.InTransaction { Envelope.Tls: MessageTls.Required });
        Assert.True(expected == "taken" || next == ready);
    }

    /// <summary>RFC 8689 §4.1.</summary>
    [Fact]
    public async Task A_message_that_requires_tls_is_known_by_its_envelope()
    {
        await using var server = await TestServer.StartAsync(TestServer.Options, _list);
        await using var client = await SmtpTestClient.GreetedAsync(server.Endpoint);
        Assert.DoesNotContain("REQUIRETLS", await client.SayAsync("EHLO c", "250 STARTTLS"), StringComparison.Ordinal);
        await client.SayAsync("MAIL FROM:<a@b> REQUIRETLS", "530 5.7.10");
        await client.StartTlsAsync();
        Assert.Contains("REQUIRETLS", await client.SayAsync("EHLO c", "250 DSN"), StringComparison.Ordinal);
        foreach (var parameter in new[] { " REQUIRETLS", "" })
        {
            await client.SayAsync($"MAIL FROM:<a@b>{parameter}", "250");
            await client.SayAsync("RCPT TO:<b@x>", "250");
            await client.SayAsync("DATA", "354");
            await client.SayAsync("secret\r\n.", "250");
        }

        Assert.Equal([MessageTls.Required, MessageTls.Unspecified], _list.Messages.Select(message => message.Envelope.Tls));
    }
}
