using Hopseal.Smtp.Server;
using Hopseal.Smtp.Tls;
using Hopseal.Smtp.Wire;

namespace Hopseal.Smtp.Tests.Server;

public sealed class StartTlsDialogueTests
{
    readonly MessageList _list = new();

    [Fact]
    public async Task Mail_goes_through_tls_and_the_session_says_so()
    {
        await using var server = await TestServer.StartAsync(TestServer.Options, _list);
        await using var client = await SmtpTestClient.GreetedAsync(server.Endpoint);
        await client.SayAsync("EHLO before.test", "250 STARTTLS");
        await client.StartTlsAsync();
        var hello = await client.SayAsync("EHLO after.test", "250 DSN");
        Assert.DoesNotContain("STARTTLS", hello, StringComparison.Ordinal);
        await client.SayAsync("MAIL FROM:<a@b>", "250");
        await client.SayAsync("RCPT TO:<b@x>", "250");
        await client.SayAsync("DATA", "354");
        await client.SayAsync("secret\r\n.", "250");
        await client.SayAsync("QUIT", "221");
        await client.ExpectEndAsync();

        var message = Assert.Single(_list.Messages);
        var session = await server.SessionAsync();
        var tls = Assert.IsType<TlsOutcome.Encrypted>(session.Tls);
        Assert.Equal(tls, message.Session.Tls);
        Assert.Equal(("after.test", "mx.test"), (message.Session.Hello, tls.ServerName));
        Assert.Contains(session.Transcript!.Lines, line => line == new TranscriptLine(Speaker.Event, $"{tls.Version} {tls.CipherSuite}"));
        Assert.Equal(SessionEnd.Quit, session.End);
    }

    /// <summary>RFC 3207 §4.2: hello, sender, recipients.</summary>
    [Fact]
    public async Task Everything_learnt_before_tls_is_forgotten()
    {
        await using var server = await TestServer.StartAsync(TestServer.Options, _list);
        await using var client = await SmtpTestClient.GreetedAsync(server.Endpoint);
        await client.SayAsync("EHLO c", "250");
        await client.SayAsync("MAIL FROM:<a@b>", "250");
        await client.SayAsync("RCPT TO:<b@x>", "250");
        await client.StartTlsAsync();
        await client.SayAsync("DATA", "503 5.5.1");
        await client.SayAsync("RCPT TO:<b@x>", "503 5.5.1");
        await client.SayAsync("MAIL FROM:<a@b>", "503 5.5.1");
        await client.SayAsync("STARTTLS", "503 5.5.1");
        await client.SayAsync("EHLO c", "250");
        await client.SayAsync("DATA", "503 5.5.1");
        await client.SayAsync("MAIL FROM:<a@b>", "250");
    }

    [Fact]
    public async Task A_chunk_received_before_tls_is_forgotten()
    {
        await using var server = await TestServer.StartAsync(TestServer.Options, _list);
        await using var client = await SmtpTestClient.GreetedAsync(server.Endpoint);
        await client.SayAsync("EHLO c", "250");
        await client.SayAsync("MAIL FROM:<a@b>", "250");
        await client.SayAsync("RCPT TO:<b@x>", "250");
        await client.SendAsync("BDAT 3\r\nabc");
        await client.ExpectAsync("250");
        Assert.Equal(1, _list.Open);
        await client.StartTlsAsync();
        await client.SayAsync("EHLO c", "250");
        Assert.Equal(0, _list.Open);
        await client.SendAsync("BDAT 3 LAST\r\ndef");
        await client.ExpectAsync("503 5.5.1");
        Assert.Empty(_list.Messages);
    }

    [Theory]
    [InlineData("EHLO injected\r\nMAIL FROM:<evil@x>\r\n")]
    [InlineData("X")]
    [InlineData("\r\n")]
    [InlineData("\u0016\u0003\u0001")] // the beginning of a ClientHello that did not wait for 220
    public async Task Plaintext_behind_starttls_ends_the_session(string injected)
    {
        await using var server = await TestServer.StartAsync(TestServer.Options, _list);
        await using var client = await SmtpTestClient.GreetedAsync(server.Endpoint);
        await client.SayAsync("EHLO c", "250");
        await client.SendAsync("STARTTLS\r\n" + injected);
        await client.ExpectAsync("554 5.5.1");
        await client.ExpectEndAsync();
        client.CutOff();

        var session = await server.SessionAsync();
        Assert.Equal(SessionEnd.InjectedPlaintext, session.End);
        Assert.Contains($"{injected.Length} octets", session.Detail, StringComparison.Ordinal);
        Assert.IsType<TlsOutcome.Refused>(session.Tls);
        Assert.Equal("c", session.Hello);
    }

    [Fact]
    public async Task Plaintext_after_the_220_goes_into_the_handshake_and_fails_there()
    {
        await using var server = await TestServer.StartAsync(TestServer.Options, _list);
        await using var client = await SmtpTestClient.GreetedAsync(server.Endpoint);
        await client.SayAsync("EHLO c", "250");
        await client.SayAsync("STARTTLS", "220");
        await client.SendAsync("EHLO injected\r\n");
        Assert.DoesNotContain("250", await client.ReadToEndAsync(), StringComparison.Ordinal);

        var session = await server.SessionAsync();
        Assert.Equal(SessionEnd.HandshakeFailed, session.End);
        Assert.Equal("peer-spoke-plaintext", Assert.Single(Assert.IsType<TlsOutcome.Refused>(session.Tls).Failures).ReasonCode);
    }

    [Fact]
    public async Task Starttls_takes_no_parameter()
    {
        await using var server = await TestServer.StartAsync(TestServer.Options, _list);
        await using var client = await SmtpTestClient.GreetedAsync(server.Endpoint);
        await client.SayAsync("STARTTLS now", "501 5.5.4");
        await client.SayAsync("STARTTLS", "220");
    }

    [Fact]
    public async Task Without_a_certificate_the_fault_is_local()
    {
        await using var server = await TestServer.StartAsync(TestServer.Options with { Certificates = null }, _list);
        await using var client = await SmtpTestClient.GreetedAsync(server.Endpoint);
        Assert.DoesNotContain("STARTTLS", await client.SayAsync("EHLO c", "250"), StringComparison.Ordinal);
        await client.SayAsync("STARTTLS", "454 4.7.0");
        await client.SayAsync("QUIT", "221");
        Assert.Equal("not-offered", Assert.IsType<TlsOutcome.Plaintext>((await server.SessionAsync()).Tls).Reason.ReasonCode);
    }

    [Fact]
    public async Task Where_tls_is_required_nothing_is_taken_without()
    {
        await using var server = await TestServer.StartAsync(TestServer.Options with { Mode = ListenerMode.StartTlsRequired }, _list);
        await using var client = await SmtpTestClient.GreetedAsync(server.Endpoint);
        await client.SayAsync("HELO c", "530 5.7.0");
        await client.SayAsync("EHLO c", "250");
        await client.SayAsync("MAIL FROM:<a@b>", "530 5.7.0");
        await client.SendAsync("BDAT 14 LAST\r\nSTARTTLS x\r\n\r\n");
        await client.ExpectAsync("530 5.7.0");
        await client.SayAsync("NOOP", "250");
        await client.StartTlsAsync();
        await client.SayAsync("EHLO c", "250");
        await client.SayAsync("MAIL FROM:<a@b>", "250");
    }

    [Fact]
    public async Task Implicit_tls_has_no_plaintext_at_all()
    {
        await using var server = await TestServer.StartAsync(TestServer.Options with { Mode = ListenerMode.ImplicitTls }, _list);
        await using var client = await SmtpTestClient.ConnectAsync(server.Endpoint);
        await client.HandshakeAsync();
        await client.ExpectAsync("220 mx.test");
        Assert.DoesNotContain("STARTTLS", await client.SayAsync("EHLO c", "250"), StringComparison.Ordinal);
        await client.SayAsync("STARTTLS", "503 5.5.1");
        await client.SayAsync("QUIT", "221");
        Assert.IsType<TlsOutcome.Encrypted>((await server.SessionAsync()).Tls);

        await using var plain = await SmtpTestClient.ConnectAsync(server.Endpoint);
        await plain.SendAsync("EHLO c\r\n");
        Assert.DoesNotContain("220", await plain.ReadToEndAsync(), StringComparison.Ordinal);
        Assert.Equal(SessionEnd.HandshakeFailed, (await server.SessionAsync()).End);
    }

    [Fact]
    public async Task Implicit_tls_without_a_certificate_is_a_failed_handshake()
    {
        await using var server = await TestServer.StartAsync(
            TestServer.Options with { Mode = ListenerMode.ImplicitTls, Certificates = null }, _list);
        await using var client = await SmtpTestClient.ConnectAsync(server.Endpoint);
        Assert.Equal("", await client.ReadToEndAsync());
        var session = await server.SessionAsync();
        Assert.Equal(SessionEnd.HandshakeFailed, session.End);
        Assert.Equal("no-certificate", Assert.Single(Assert.IsType<TlsOutcome.Refused>(session.Tls).Failures).ReasonCode);
    }

    /// <summary>A cut connection is not an end of message, and it is told apart from one that was closed.</summary>
    [Theory]
    [InlineData(true, SessionEnd.ClientClosed)]
    [InlineData(false, SessionEnd.Truncated)]
    public async Task A_truncated_message_is_not_kept(bool closeNotify, SessionEnd end)
    {
        await using var server = await TestServer.StartAsync(TestServer.Options, _list);
        await using var client = await SmtpTestClient.GreetedAsync(server.Endpoint);
        await client.StartTlsAsync();
        await client.SayAsync("EHLO c", "250");
        await client.SayAsync("MAIL FROM:<a@b>", "250");
        await client.SayAsync("RCPT TO:<b@x>", "250");
        await client.SayAsync("DATA", "354");
        await client.SendAsync("complete but for its end\r\n.\r");
        if (closeNotify)
        {
            await client.CloseAsync();
        }
        else
        {
            client.CutOff();
        }

        Assert.Equal(end, (await server.SessionAsync()).End);
        Assert.Empty(_list.Messages);
        Assert.Equal((1, 0), (_list.Begun, _list.Open));
    }
}
