using Hopseal.Smtp.Mail;
using Hopseal.Smtp.Server;
using Hopseal.Smtp.Tls;
using Hopseal.Smtp.Wire;

namespace Hopseal.Smtp.Tests.Server;

/// <summary>Commands, replies and their order, over plaintext.</summary>
public sealed class SessionDialogueTests
{
    readonly MessageList _list = new();

    [Fact]
    public async Task A_refused_sender_leaves_no_transaction_and_the_next_one_may_be_better()
    {
        await using var server = await TestServer.StartAsync(TestServer.Options, _list);
        await using var client = await SmtpTestClient.GreetedAsync(server.Endpoint);
        await client.SayAsync("EHLO c", "250");
        await client.SayAsync("MAIL FROM:<refuse@b>", "550 5.7.1 Not from there");
        await client.SayAsync("RCPT TO:<b@x>", "503 5.5.1");
        await client.SayAsync("BDAT 2 LAST\r\n", "503 5.5.1");
        await client.SayAsync("MAIL FROM:<throw@b>", "451 4.3.0");
        await client.SayAsync("MAIL FROM:<a@b>", "250");
        await client.SayAsync("RCPT TO:<b@x>", "250");
        await client.SayAsync("DATA", "354");
        await client.SayAsync("hi\r\n.", "250");
        await client.SayAsync("QUIT", "221");

        var session = await server.SessionAsync();
        Assert.Equal((2, 1), (session.RejectedSenders, session.Accepted));
        Assert.Contains("MAIL was refused: 550 5.7.1 Not from there", session.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_message_arrives_as_it_was_sent()
    {
        await using var server = await TestServer.StartAsync(TestServer.Options, _list);
        await using var client = await SmtpTestClient.ConnectAsync(server.Endpoint);
        Assert.Equal("220 mx.test ESMTP Hopseal\n", await client.ExpectAsync("220"));
        var hello = await client.SayAsync("EHLO client.test", "250 STARTTLS");
        Assert.StartsWith("250-mx.test\n250-PIPELINING\n250-SIZE 52428800\n", hello, StringComparison.Ordinal);
        await client.SayAsync("MAIL FROM:<a@client.test> SIZE=10 BODY=8BITMIME", "250 2.1.0 ");
        await client.SayAsync("RCPT TO:<b@mx.test>", "250 2.1.5 ");
        await client.SayAsync("RCPT TO:<refuse@mx.test>", "550 5.7.1 ");
        await client.SayAsync("RCPT TO:<defer@mx.test>", "450 4.2.0 ");
        await client.SayAsync("DATA", "354 ");
        await client.SayAsync("Subject: x\r\n\r\n..\r\n.a\r\n\u00e9\r\n.", "250 2.0.0 Queued");
        await client.SayAsync("QUIT", "221 2.0.0 ");
        await client.ExpectEndAsync();

        var message = Assert.Single(_list.Messages);
        Assert.Equal("Subject: x\r\n\r\n.\r\na\r\n\u00e9\r\n", message.Content);
        Assert.Equal(["b@mx.test"], message.Envelope.Recipients.Select(recipient => recipient.ToString()));
        Assert.Equal(("a@client.test", BodyType.EightBitMime, 10L), (message.Envelope.ReturnPath!.ToString(), message.Envelope.Body, message.Envelope.DeclaredSize));
        Assert.Equal(("client.test", true, null), (message.Session.Hello, message.Session.Extended, message.Session.User));
        Assert.Null(message.Session.Tls);
        var session = await server.SessionAsync();
        Assert.Equal((SessionEnd.Quit, 1, 2, 0), (session.End, session.Accepted, session.RejectedRecipients, session.RejectedMessages));
        Assert.Equal(("client.test", client.Local, server.Endpoint), (session.Hello, session.Peer, session.Local));
        Assert.Equal("client-did-not-ask", Assert.IsType<TlsOutcome.Plaintext>(session.Tls).Reason.ReasonCode);
        Assert.Equal(0, _list.Open);
        Assert.Contains(session.Transcript!.Lines, line => line == new TranscriptLine(Speaker.Event, "(23 octets of message)"));
        Assert.DoesNotContain(session.Transcript.Lines, line => line.Text.Contains("Subject", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_pipelined_group_is_answered_in_order()
    {
        await using var server = await TestServer.StartAsync(TestServer.Options, _list);
        await using var client = await SmtpTestClient.GreetedAsync(server.Endpoint);
        await client.SayAsync("EHLO c", "250 ");
        await client.SendAsync("MAIL FROM:<>\r\nRCPT TO:<refuse@x>\r\nRCPT TO:<b@x>\r\nRCPT TO:<c@x>\r\nDATA\r\n");
        foreach (var expected in new[] { "250 2.1.0", "550 5.7.1", "250 2.1.5", "250 2.1.5", "354" })
        {
            await client.ExpectAsync(expected);
        }

        // The next transaction comes in one piece with the end of this one.
        await client.SendAsync("one\r\n.\r\nMAIL FROM:<>\r\nRCPT TO:<d@x>\r\nDATA\r\n");
        foreach (var expected in new[] { "250 2.0.0", "250 2.1.0", "250 2.1.5", "354" })
        {
            await client.ExpectAsync(expected);
        }

        await client.SendAsync("two\r\n.\r\nQUIT\r\n");
        await client.ExpectAsync("250 2.0.0");
        await client.ExpectAsync("221");
        Assert.Equal(["one\r\n", "two\r\n"], _list.Messages.Select(message => message.Content));
        Assert.Equal([2, 1], _list.Messages.Select(message => message.Envelope.Recipients.Length));
    }

    [Fact]
    public async Task A_large_group_is_answered_while_it_is_being_sent()
    {
        await using var server = await TestServer.StartAsync(TestServer.Options with { MaxErrors = 100_000 }, _list);
        await using var client = await SmtpTestClient.GreetedAsync(server.Endpoint);
        const int Commands = 5_000;
        var sending = client.SendAsync(string.Concat(Enumerable.Repeat("XYZZY\r\n", Commands)));
        for (var i = 0; i < Commands; i++)
        {
            await client.ExpectAsync("500 5.5.1");
        }

        await sending;
    }

    [Fact]
    public async Task Commands_may_come_octet_by_octet()
    {
        await using var server = await TestServer.StartAsync(TestServer.Options, _list);
        await using var client = await SmtpTestClient.GreetedAsync(server.Endpoint);
        foreach (var octet in "EHLO c\r\nMAIL FROM:<>\r\nRCPT TO:<b@x>\r\nDATA\r\n")
        {
            await client.SendAsync(octet.ToString());
        }

        foreach (var expected in new[] { "250 ", "250 2.1.0", "250 2.1.5", "354" })
        {
            await client.ExpectAsync(expected);
        }

        foreach (var octet in "a\r\n..b\r\n.\r\n")
        {
            await client.SendAsync(octet.ToString());
        }

        await client.ExpectAsync("250 2.0.0");
        Assert.Equal("a\r\n.b\r\n", Assert.Single(_list.Messages).Content);
    }

    [Theory]
    [InlineData("NOOP\nMAIL FROM:<>\r\n")]
    [InlineData("NOOP\rMAIL FROM:<>\r\n")]
    [InlineData("EHLO a\r\r\n")]
    public async Task A_bare_line_break_in_a_command_ends_the_session(string text)
    {
        await using var server = await TestServer.StartAsync(TestServer.Options, _list);
        await using var client = await SmtpTestClient.GreetedAsync(server.Endpoint);
        await client.SendAsync(text);
        await client.ExpectAsync("500 5.5.2");
        await client.ExpectEndAsync();
        client.CutOff();
        Assert.Equal(SessionEnd.BareLineBreak, (await server.SessionAsync()).End);
    }

    [Fact]
    public async Task A_line_that_is_too_long_is_an_error_and_the_next_one_counts()
    {
        await using var server = await TestServer.StartAsync(TestServer.Options, _list);
        await using var client = await SmtpTestClient.GreetedAsync(server.Endpoint);
        await client.SayAsync("NOOP " + new string('x', 2041), "250 ");
        await client.SayAsync("NOOP " + new string('x', 2042), "500 5.5.2");
        await client.SayAsync("NOOP " + new string('x', 100_000), "500 5.5.2");
        await client.SayAsync("NOOP", "250 ");
    }

    [Fact]
    public async Task Errors_are_counted_up_to_a_limit()
    {
        await using var server = await TestServer.StartAsync(TestServer.Options with { MaxErrors = 3 }, _list);
        await using var client = await SmtpTestClient.GreetedAsync(server.Endpoint);
        await client.SendAsync("XYZZY\r\nMAIL FROM:<>\r\nXYZZY\r\nNOOP\r\n");
        await client.ExpectAsync("500");
        await client.ExpectAsync("503");
        await client.ExpectAsync("421 4.7.0");
        await client.ExpectEndAsync();
        client.CutOff();
        Assert.Equal(SessionEnd.TooManyErrors, (await server.SessionAsync()).End);
    }

    [Fact]
    public async Task An_accepted_message_clears_the_errors()
    {
        await using var server = await TestServer.StartAsync(TestServer.Options with { MaxErrors = 2 }, _list);
        await using var client = await SmtpTestClient.GreetedAsync(server.Endpoint);
        await client.SayAsync("HELO c", "250");
        for (var i = 0; i < 3; i++)
        {
            await client.SayAsync("XYZZY", "500");
            await client.SayAsync("MAIL FROM:<>", "250");
            await client.SayAsync("RCPT TO:<b@x>", "250");
            await client.SayAsync("DATA", "354");
            await client.SayAsync(".", "250");
        }

        Assert.All(_list.Messages, message => Assert.Equal("", message.Content));
    }

    [Fact]
    public async Task A_connection_cannot_be_kept_open_with_noop_for_ever()
    {
        await using var server = await TestServer.StartAsync(TestServer.Options with { MaxErrors = 2 }, _list);
        await using var client = await SmtpTestClient.GreetedAsync(server.Endpoint);
        await client.SendAsync(string.Concat(Enumerable.Repeat("NOOP\r\n", 102)));
        for (var i = 0; i < 101; i++)
        {
            await client.ExpectAsync("250");
        }

        await client.ExpectAsync("421 4.7.0");
    }

    [Fact]
    public async Task A_browser_is_shown_the_door()
    {
        await using var server = await TestServer.StartAsync(TestServer.Options, _list);
        await using var client = await SmtpTestClient.GreetedAsync(server.Endpoint);
        await client.SendAsync("POST / HTTP/1.1\r\nHost: mx.test\r\n\r\nEHLO x\r\nMAIL FROM:<a@b>\r\n");
        await client.ExpectAsync("554 5.5.1");
        await client.ExpectEndAsync();
        client.CutOff();
        Assert.Equal(SessionEnd.NotSmtp, (await server.SessionAsync()).End);
    }

    [Fact]
    public async Task Rset_and_ehlo_end_a_transaction()
    {
        await using var server = await TestServer.StartAsync(TestServer.Options, _list);
        await using var client = await SmtpTestClient.GreetedAsync(server.Endpoint);
        await client.SayAsync("EHLO c", "250");
        foreach (var line in new[] { "RSET", "EHLO c" })
        {
            await client.SayAsync("MAIL FROM:<>", "250");
            await client.SayAsync("RCPT TO:<b@x>", "250");
            await client.SayAsync(line, "250");
            await client.SayAsync("RCPT TO:<b@x>", "503");
            await client.SayAsync("DATA", "503");
        }
    }

    [Fact]
    public async Task A_fault_of_the_handler_is_a_451_and_is_reported()
    {
        await using var server = await TestServer.StartAsync(TestServer.Options, _list);
        await using var client = await SmtpTestClient.GreetedAsync(server.Endpoint);
        await client.SayAsync("EHLO c", "250");
        await client.SayAsync("MAIL FROM:<>", "250");
        await client.SayAsync("RCPT TO:<throw@x>", "451 4.3.0");
        await client.SayAsync("RCPT TO:<b@x>", "250");
        await client.SayAsync("QUIT", "221");
        Assert.Contains("the recipient check broke", (await server.SessionAsync()).Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_client_that_leaves_is_recorded()
    {
        await using var server = await TestServer.StartAsync(TestServer.Options, _list);
        await using (var client = await SmtpTestClient.GreetedAsync(server.Endpoint))
        {
            await client.SendAsync("EHLO c\r\nNOOP");
            await client.ExpectAsync("250");
        }

        Assert.Equal(SessionEnd.ClientClosed, (await server.SessionAsync()).End);

        await using (var client = await SmtpTestClient.GreetedAsync(server.Endpoint))
        {
            client.Reset();
        }

        Assert.Equal(SessionEnd.ConnectionLost, (await server.SessionAsync()).End);
    }

    [Fact]
    public async Task The_transcript_shows_no_control_characters_and_nothing_that_could_be_a_secret()
    {
        await using var server = await TestServer.StartAsync(TestServer.Options, _list);
        await using var client = await SmtpTestClient.GreetedAsync(server.Endpoint);
        await client.SayAsync("NOOP \u0007x", "250");
        await client.SayAsync("AUTH PLAIN AGFwcABzZWNyZXQ=", "502");
        await client.SayAsync("AUTH PLAIN c2VjcmV0*", "501");
        await client.SayAsync("c2VjcmV0", "500");
        await client.SayAsync("QUIT", "221");
        var lines = (await server.SessionAsync()).Transcript!.Lines.Where(line => line.Speaker is Speaker.Client).Select(line => line.Text);
        Assert.Equal(["NOOP ?x", "AUTH PLAIN (credentials)", "AUTH (malformed)", "(unknown command, 8 octets)", "QUIT"], lines);
    }
}
