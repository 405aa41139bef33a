using Hopseal.Smtp.Server;

namespace Hopseal.Smtp.Tests.Server;

/// <summary>DATA and BDAT on real connections.</summary>
public sealed class ContentDialogueTests
{
    readonly MessageList _list = new();

    [Theory]
    [InlineData("body\n.\nMAIL FROM:<admin@mx.test>\r\n")]
    [InlineData("body\n.\r\nMAIL FROM:<admin@mx.test>\r\n")]
    [InlineData("body\r\n.\nMAIL FROM:<admin@mx.test>\r\n")]
    [InlineData("body\r\n.\rMAIL FROM:<admin@mx.test>\r\n")]
    [InlineData("body\r.\r\nMAIL FROM:<admin@mx.test>\r\n")]
    [InlineData("body\r\n\0.\r\nMAIL FROM:<admin@mx.test>\r\n")]
    [InlineData("a NUL \0 in a line\r\n")]
    public async Task A_message_that_others_could_read_as_two_is_refused_as_one(string content)
    {
        await using var server = await TestServer.StartAsync(TestServer.Options, _list);
        await using var client = await InTransactionAsync(server);
        await client.SayAsync("DATA", "354");
        await client.SendAsync(content + "\r\n.\r\nQUIT\r\n");
        await client.ExpectAsync("554 5.6.0");
        await client.ExpectAsync("221");
        await client.ExpectEndAsync();

        Assert.Empty(_list.Messages);
        Assert.Equal(0, _list.Open);
        var session = await server.SessionAsync();
        Assert.Equal((0, 1, SessionEnd.Quit), (session.Accepted, session.RejectedMessages, session.End));
    }

    [Fact]
    public async Task A_message_that_is_too_large_is_read_to_its_end_and_refused()
    {
        await using var server = await TestServer.StartAsync(TestServer.Options with { MaxMessageOctets = 1000 }, _list);
        await using var client = await InTransactionAsync(server);
        await client.SayAsync("DATA", "354");
        await client.SendAsync(new string('x', 998) + "\r\n.\r\n");
        await client.ExpectAsync("250");
        await BeginAsync(client);
        await client.SayAsync("DATA", "354");
        await client.SendAsync(new string('x', 1998) + "\r\n.\r\nNOOP\r\n");
        await client.ExpectAsync("552 5.3.4");
        await client.ExpectAsync("250");
        Assert.Equal(1000, Assert.Single(_list.Messages).Content.Length);
    }

    [Fact]
    public async Task More_than_twice_the_limit_ends_the_session()
    {
        await using var server = await TestServer.StartAsync(TestServer.Options with { MaxMessageOctets = 1000 }, _list);
        await using var client = await InTransactionAsync(server);
        await client.SayAsync("DATA", "354");
        await client.SendAsync(new string('x', 2001));
        await client.ExpectAsync("552 5.3.4");
        await client.ExpectEndAsync();
        client.CutOff();
        Assert.Equal(SessionEnd.MessageTooLarge, (await server.SessionAsync()).End);
        Assert.Equal(0, _list.Open);
    }

    [Fact]
    public async Task A_long_message_without_line_breaks_passes_through_a_small_buffer()
    {
        await using var server = await TestServer.StartAsync(TestServer.Options, _list);
        await using var client = await InTransactionAsync(server);
        await client.SayAsync("DATA", "354");
        var body = string.Create(3_000_000, 7, (span, seed) =>
        {
            for (var i = 0; i < span.Length; i++)
            {
                span[i] = (char)('a' + ((i * seed) % 26));
            }
        });
        await client.SendAsync(body);
        await client.SendAsync("\r\n.\r\n");
        await client.ExpectAsync("250");
        Assert.Equal(body + "\r\n", Assert.Single(_list.Messages).Content);
        Assert.InRange(_list.LargestPiece, 1, 16 * 1024);
    }

    [Fact]
    public async Task A_connection_that_ends_within_data_leaves_nothing()
    {
        await using var server = await TestServer.StartAsync(TestServer.Options, _list);
        await using (var client = await InTransactionAsync(server))
        {
            await client.SayAsync("DATA", "354");
            await client.SendAsync("a\r\n.");
        }

        Assert.Equal(SessionEnd.ClientClosed, (await server.SessionAsync()).End);
        Assert.Empty(_list.Messages);
        Assert.Equal((1, 0), (_list.Begun, _list.Open));
    }

    [Theory]
    [InlineData("begin", false)]
    [InlineData("write", true)]
    [InlineData("commit", true)]
    public async Task A_fault_of_the_handler_is_a_451_and_the_session_goes_on(string where, bool contentIsRead)
    {
        await using var server = await TestServer.StartAsync(TestServer.Options, _list);
        await using var client = await SmtpTestClient.GreetedAsync(server.Endpoint);
        await client.SayAsync("EHLO c", "250");
        await client.SayAsync($"MAIL FROM:<{where}@x>", "250");
        await client.SayAsync("RCPT TO:<b@x>", "250");
        if (contentIsRead)
        {
            await client.SayAsync("DATA", "354");
            await client.SayAsync("a\r\n.", "451 4.3.0");
        }
        else
        {
            await client.SayAsync("DATA", "451 4.3.0");
        }

        await client.SayAsync($"MAIL FROM:<{where}@x>", "250");
        await client.SayAsync("RCPT TO:<b@x>", "250");
        await client.SendAsync("BDAT 3 LAST\r\nabc");
        await client.ExpectAsync("451 4.3.0");
        await BeginAsync(client);
        await client.SayAsync("DATA", "354");
        await client.SayAsync("b\r\n.", "250");
        await client.SayAsync("QUIT", "221");

        var session = await server.SessionAsync();
        Assert.Contains($"no space to {where}", session.Detail, StringComparison.Ordinal);
        Assert.Equal((1, 2), (session.Accepted, session.RejectedMessages));
        Assert.Equal(0, _list.Open);
    }

    [Fact]
    public async Task Chunks_make_one_message()
    {
        await using var server = await TestServer.StartAsync(TestServer.Options, _list);
        await using var client = await InTransactionAsync(server);
        await client.SendAsync("BDAT 6\r\none\r\n.BDAT 0\r\nBDAT 7\r\n\r\nthree");
        await client.ExpectAsync("250 2.0.0 6 octets");
        await client.ExpectAsync("250 2.0.0 0 octets");
        await client.ExpectAsync("250 2.0.0 7 octets");
        Assert.Empty(_list.Messages);
        await client.SendAsync("BDAT 2 LAST\r\n\r\n");
        await client.ExpectAsync("250 2.0.0 Queued");
        Assert.Equal("one\r\n.\r\nthree\r\n", Assert.Single(_list.Messages).Content);
        await client.SendAsync("BDAT 1 LAST\r\nx");
        await client.ExpectAsync("503 5.5.1");
    }

    [Fact]
    public async Task A_message_may_end_with_an_empty_chunk_or_be_one()
    {
        await using var server = await TestServer.StartAsync(TestServer.Options, _list);
        await using var client = await InTransactionAsync(server);
        await client.SendAsync("BDAT 3\r\na\r\nBDAT 0 LAST\r\n");
        await client.ExpectAsync("250");
        await client.ExpectAsync("250 2.0.0 Queued");
        await BeginAsync(client);
        await client.SayAsync("BDAT 0 LAST", "250 2.0.0 Queued");
        Assert.Equal(["a\r\n", ""], _list.Messages.Select(message => message.Content));
    }

    [Fact]
    public async Task Pipelined_messages_by_bdat_keep_their_own_envelopes()
    {
        await using var server = await TestServer.StartAsync(TestServer.Options, _list);
        await using var client = await SmtpTestClient.GreetedAsync(server.Endpoint);
        await client.SayAsync("EHLO c", "250");
        await client.SendAsync(
            "MAIL FROM:<one@x>\r\nRCPT TO:<refuse@x>\r\nBDAT 3 LAST\r\n1\r\n" +
            "MAIL FROM:<two@x>\r\nRCPT TO:<b@x>\r\nBDAT 3 LAST\r\n2\r\n");
        foreach (var expected in new[] { "250", "550", "554 5.5.1", "250", "250", "250 2.0.0 Queued" })
        {
            await client.ExpectAsync(expected);
        }

        var message = Assert.Single(_list.Messages);
        Assert.Equal(("two@x", "2\r\n"), (message.Envelope.ReturnPath!.ToString(), message.Content));
    }

    /// <summary>Whatever is refused, the octets of a chunk are never run as commands.</summary>
    [Fact]
    public async Task A_chunk_is_content_in_every_state()
    {
        const string Trap = "RSET\r\nQUIT\r\n";
        await using var server = await TestServer.StartAsync(TestServer.Options, _list);
        await using var client = await SmtpTestClient.GreetedAsync(server.Endpoint);
        await client.SendAsync($"BDAT {Trap.Length}\r\n{Trap}");
        await client.ExpectAsync("503 5.5.1");
        await client.SayAsync("EHLO c", "250");
        await client.SendAsync($"BDAT {Trap.Length} LAST\r\n{Trap}");
        await client.ExpectAsync("503 5.5.1");
        await client.SayAsync("MAIL FROM:<>", "250");
        await client.SendAsync($"BDAT {Trap.Length}\r\n{Trap}");
        await client.ExpectAsync("554 5.5.1");
        await client.SayAsync("NOOP", "250");
    }

    [Fact]
    public async Task Data_and_bdat_do_not_mix()
    {
        await using var server = await TestServer.StartAsync(TestServer.Options, _list);
        await using var client = await InTransactionAsync(server);
        await client.SendAsync("BDAT 3\r\na\r\nDATA\r\nMAIL FROM:<>\r\nRCPT TO:<c@x>\r\n");
        await client.ExpectAsync("250");
        await client.ExpectAsync("503 5.5.1");
        await client.ExpectAsync("503 5.5.1");
        await client.ExpectAsync("503 5.5.1");
        await client.SayAsync("RSET", "250");
        Assert.Equal((1, 0), (_list.Begun, _list.Open));
        await client.SendAsync("BDAT 3 LAST\r\nb\r\n");
        await client.ExpectAsync("503 5.5.1");
        Assert.Empty(_list.Messages);
    }

    [Theory]
    [InlineData("a\nb", "", "")]
    [InlineData("a\rb", "", "")]
    [InlineData("a\0b", "", "")]
    [InlineData("", "a\r", "b")]
    [InlineData("", "a", "\nb")]
    [InlineData("", "", "a\r")]
    public async Task Text_by_bdat_holds_no_bare_line_break(string first, string second, string last)
    {
        await using var server = await TestServer.StartAsync(TestServer.Options, _list);
        await using var client = await InTransactionAsync(server);
        var codes = new List<string>();
        foreach (var chunk in new[] { first, second })
        {
            await client.SendAsync($"BDAT {chunk.Length}\r\n{chunk}");
            codes.Add((await client.ExpectAsync(""))[..3]);
        }

        await client.SendAsync($"BDAT {last.Length} LAST\r\n{last}");
        codes.Add((await client.ExpectAsync(""))[..3]);
        Assert.Equal("554", codes.First(code => code != "250"));
        Assert.All(codes.SkipWhile(code => code == "250").Skip(1), code => Assert.Equal("503", code));
        Assert.Empty(_list.Messages);
        Assert.Equal(0, _list.Open);
        await BeginAsync(client);
    }

    [Fact]
    public async Task Binary_content_may_hold_anything()
    {
        await using var server = await TestServer.StartAsync(TestServer.Options, _list);
        await using var client = await SmtpTestClient.GreetedAsync(server.Endpoint);
        await client.SayAsync("EHLO c", "250");
        await client.SayAsync("MAIL FROM:<a@x> BODY=BINARYMIME", "250");
        await client.SayAsync("RCPT TO:<b@x>", "250");
        await client.SayAsync("DATA", "503 5.5.1");
        await client.SendAsync("BDAT 8 LAST\r\na\n\rb\0\r\n.");
        await client.ExpectAsync("250");
        Assert.Equal("a\n\rb\0\r\n.", Assert.Single(_list.Messages).Content);
    }

    [Fact]
    public async Task After_a_refused_chunk_only_rset_helps()
    {
        await using var server = await TestServer.StartAsync(TestServer.Options with { MaxMessageOctets = 10, MaxErrors = 10 }, _list);
        await using var client = await InTransactionAsync(server);
        await client.SendAsync("BDAT 5\r\nabcdeBDAT 6\r\nfghijkBDAT 1\r\nlBDAT 0\r\nMAIL FROM:<>\r\n");
        await client.ExpectAsync("250");
        await client.ExpectAsync("552 5.3.4");
        await client.ExpectAsync("503 5.5.1");
        await client.ExpectAsync("503 5.5.1");
        await client.ExpectAsync("503 5.5.1");
        Assert.Equal(0, _list.Open);
        await client.SayAsync("RSET", "250");
        await BeginAsync(client);
        await client.SendAsync("BDAT 10 LAST\r\n0123456789");
        await client.ExpectAsync("250");
        Assert.Equal("0123456789", Assert.Single(_list.Messages).Content);
    }

    [Fact]
    public async Task A_chunk_that_is_far_too_large_ends_the_session()
    {
        await using var server = await TestServer.StartAsync(TestServer.Options with { MaxMessageOctets = 10 }, _list);
        await using var client = await InTransactionAsync(server);
        await client.SendAsync("BDAT 21\r\nNOOP\r\n");
        await client.ExpectAsync("552 5.3.4");
        await client.ExpectEndAsync();
        client.CutOff();
        Assert.Equal(SessionEnd.MessageTooLarge, (await server.SessionAsync()).End);
    }

    [Fact]
    public async Task A_chunk_of_unknown_size_ends_the_session()
    {
        await using var server = await TestServer.StartAsync(TestServer.Options, _list);
        await using var client = await InTransactionAsync(server);
        await client.SendAsync("BDAT five LAST\r\nMAIL FROM:<evil@x>\r\n");
        await client.ExpectAsync("501 5.5.4");
        await client.ExpectEndAsync();
        client.CutOff();
        Assert.Equal(SessionEnd.NotSmtp, (await server.SessionAsync()).End);
    }

    [Fact]
    public async Task A_connection_that_ends_between_chunks_leaves_nothing()
    {
        await using var server = await TestServer.StartAsync(TestServer.Options, _list);
        await using (var client = await InTransactionAsync(server))
        {
            await client.SendAsync("BDAT 3\r\nabcBDAT 5 LAST\r\nde");
            await client.ExpectAsync("250");
        }

        Assert.Equal(SessionEnd.ClientClosed, (await server.SessionAsync()).End);
        Assert.Empty(_list.Messages);
        Assert.Equal(0, _list.Open);
    }

    static async Task<SmtpTestClient> InTransactionAsync(TestServer server)
    {
        var client = await SmtpTestClient.GreetedAsync(server.Endpoint);
        await client.SayAsync("EHLO c", "250");
        await BeginAsync(client);
        return client;
    }

    static async Task BeginAsync(SmtpTestClient client)
    {
        await client.SayAsync("MAIL FROM:<a@x>", "250");
        await client.SayAsync("RCPT TO:<b@x>", "250");
    }
}
