using System.Text;
using Hopseal.Smtp.Client;
using Hopseal.Smtp.Mail;
using Hopseal.Smtp.Tests.Tls;
using Hopseal.Smtp.Tls;
using static Hopseal.Smtp.Tests.Client.ClientScripts;
using static Hopseal.Smtp.Tests.Client.SampleContent;

namespace Hopseal.Smtp.Tests.Client;

public sealed class TransactionChannelTests
{
    const string Quit = "C: QUIT\nS: 221 bye\n!gone";
    const string Mail = "C: MAIL FROM:<sender@client.test>\nC: RCPT TO:<a@mx.test>\n";

    [Theory]
    [InlineData("", "")]
    [InlineData("SIZE", " SIZE=7")]
    public async Task Without_pipelining_one_command_waits_for_the_other(string keywords, string size)
    {
        await using var server = new ScriptedServer(After(
            keywords,
            $"""
            C: MAIL FROM:<sender@client.test>{size}
            S: 250 ok
            C: RCPT TO:<a@mx.test>
            S: 250 ok
            C: RCPT TO:<b@mx.test>
            S: 550 5.1.1 nobody
            C: RCPT TO:<c@mx.test>
            S: 451 4.7.1 greylisted
            C: RCPT TO:<d@mx.test>
            S: 251 forwarded
            C: DATA
            S: 354 go
            !data
            S: 250 2.0.0 queued as 1
            {Quit}
            """));
        var channel = await ChannelAsync(server);
        var results = await channel.SendAsync(Envelope("a@mx.test", "b@mx.test", "c@mx.test", "d@mx.test"), ".hi\r\n\r\n");
        Assert.Equal("accepted 250, rejected RcptTo 550, rejected RcptTo 451, accepted 250", results.Text());
        Assert.Equal("..hi\r\n\r\n.\r\n", Encoding.Latin1.GetString(Assert.Single(server.Content)));
        await channel.DisposeAsync();
        await server.Done;
    }

    [Fact]
    public async Task Each_recipient_has_its_own_result()
    {
        await using var server = new ScriptedServer(After(
            "PIPELINING",
            $"""
            {Mail}C: RCPT TO:<b@mx.test>
            C: RCPT TO:<c@mx.test>
            C: DATA
            S: 250 ok
            S: 250 ok
            S: 550 5.1.1 nobody
            S: 451 4.7.1 greylisted
            S: 354 go
            !data
            S: 250 2.0.0 queued as 1
            {Quit}
            """));
        var channel = await ChannelAsync(server);
        var results = await channel.SendAsync(Envelope("a@mx.test", "b@mx.test", "c@mx.test"), ".hi\r\n");

        Assert.Equal("accepted 250, rejected RcptTo 550, rejected RcptTo 451", results.Text());
        Assert.Equal("..hi\r\n.\r\n", Encoding.Latin1.GetString(Assert.Single(server.Content)));
        Assert.True(channel.Usable);
        await channel.DisposeAsync();
        await server.Done;
    }

    [Theory]
    [InlineData("S: 452 4.3.1 full\nS: 503 no mail\nS: 503 no mail\n", "rejected MailFrom 452")]
    [InlineData("S: 250 ok\nS: 550 nobody\nS: 503 nobody\n", "rejected RcptTo 550")]
    [InlineData("S: 250 ok\nS: 250 ok\nS: 451 no data\n", "rejected Data 451")]
    [InlineData("S: 250 ok\nS: 550 nobody\nS: 354 go\nC: .\nS: 554 no recipients\n", "rejected RcptTo 550")]
    [InlineData("S: 250 ok\nS: 550 nobody\nS: 354 go\nC: .\nS: 250 thanks for nothing\n", "rejected RcptTo 550")]
    [InlineData("S: 550 no\nS: 550 nobody\nS: 354 go\nC: .\nS: 250 thanks for nothing\n", "rejected MailFrom 550")]
    public async Task A_pipelined_transaction_that_fails_leaves_a_usable_channel(string replies, string expected)
    {
        await using var server = new ScriptedServer(After(
            "PIPELINING",
            $"{Mail}C: DATA\n{replies}C: RSET\nS: 250 ok\n{Mail}C: DATA\nS: 250 ok\nS: 250 ok\nS: 354 go\n!data\nS: 250 ok\n{Quit}"));
        var channel = await ChannelAsync(server);
        Assert.Equal(expected, (await channel.SendAsync(Envelope("a@mx.test"), "x\r\n")).Text());
        Assert.True(channel.Usable);
        Assert.Equal("accepted 250", (await channel.SendAsync(Envelope("a@mx.test"), "x\r\n")).Text());
        await channel.DisposeAsync();
        await server.Done;
    }

    [Fact]
    public async Task Two_messages_need_no_reset_between_them()
    {
        var one = $"{Mail}C: DATA\nS: 250 ok\nS: 250 ok\nS: 354 go\n!data\n";
        await using var server = new ScriptedServer(After("PIPELINING", $"{one}S: 554 5.6.0 spam\n{one}S: 250 ok\n{Quit}"));
        var channel = await ChannelAsync(server);
        Assert.Equal("rejected EndOfData 554", (await channel.SendAsync(Envelope("a@mx.test"), "x\r\n")).Text());
        Assert.Equal("accepted 250", (await channel.SendAsync(Envelope("a@mx.test"), "x\r\n")).Text());
        await channel.DisposeAsync();
        await server.Done;
    }

    [Theory]
    [InlineData("S: 421 4.3.2 bye\n!gone", "rejected MailFrom 421, rejected MailFrom 421, rejected MailFrom 421")]
    [InlineData("S: 250 ok\nS: 250 ok\nS: 421 4.3.2 bye\n!gone", "interrupted RcptTo Refused, rejected RcptTo 421, interrupted RcptTo Refused")]
    [InlineData("S: 250 ok\nS: 250 ok\nS: 550 no\nS: 250 ok\nS: 421 4.3.2 bye\n!gone", "rejected Data 421, rejected RcptTo 550, rejected Data 421")]
    [InlineData("S: 250 ok\nS: 250 ok\nS: 550 no\nS: 250 ok\nS: 354 go\n!data\nS: 421 4.3.2 bye\n!gone", "rejected EndOfData 421, rejected RcptTo 550, rejected EndOfData 421")]
    [InlineData("!close\n!gone", "interrupted MailFrom ConnectionLost, interrupted MailFrom ConnectionLost, interrupted MailFrom ConnectionLost")]
    [InlineData("S: 250 ok\nS: 550 no\n!close\n!gone", "rejected RcptTo 550, interrupted RcptTo ConnectionLost, interrupted RcptTo ConnectionLost")]
    [InlineData("S: 250 ok\nS: 250 ok\nS: 250 ok\nS: 250 ok\nS: 354 go\n!data\n!close\n!gone", "interrupted EndOfData ConnectionLost maybe, interrupted EndOfData ConnectionLost maybe, interrupted EndOfData ConnectionLost maybe")]
    [InlineData("S: 250 ok\nS: 250 ok\nS: 250 ok\nS: 250 ok\nS: 354 go\n!data\nS: 354 again\n!gone", "interrupted EndOfData ProtocolError maybe, interrupted EndOfData ProtocolError maybe, interrupted EndOfData ProtocolError maybe")]
    [InlineData("S: 250 ok\nS: 250 ok\nS: 250 ok\nS: 250 ok\nS: 250 what\n!gone", "interrupted Data ProtocolError, interrupted Data ProtocolError, interrupted Data ProtocolError")]
    public async Task A_session_that_ends_gives_every_recipient_a_result(string replies, string expected)
    {
        await using var server = new ScriptedServer(After(
            "PIPELINING", $"{Mail}C: RCPT TO:<b@mx.test>\nC: RCPT TO:<c@mx.test>\nC: DATA\n{replies}"));
        var channel = await ChannelAsync(server);
        var envelope = Envelope("a@mx.test", "b@mx.test", "c@mx.test");
        Assert.Equal(expected, (await channel.SendAsync(envelope, "x\r\n")).Text());
        Assert.False(channel.Usable);
        Assert.StartsWith("interrupted MailFrom", (await channel.SendAsync(envelope, "x\r\n")).Text(), StringComparison.Ordinal);
        await channel.DisposeAsync();
        await server.Done;
    }

    [Theory]
    [InlineData("", "7bit", null, "accepted 250", "MAIL FROM:<sender@client.test>")]
    [InlineData("SIZE 2", "7bit", null, "unsupported 5.3.4", null)]
    [InlineData("SIZE 3,8BITMIME", "8bit", null, "accepted 250", "MAIL FROM:<sender@client.test> SIZE=3 BODY=8BITMIME")]
    [InlineData("", "8bit", null, "accepted 250", "MAIL FROM:<sender@client.test>")] // labelled, but ASCII
    [InlineData("", "8bit", "é\r\n", "unsupported 5.6.3", null)]
    [InlineData("BINARYMIME", "binary", null, "unsupported 5.6.3", null)] // of no use without CHUNKING
    [InlineData("", "utf8", null, "unsupported 5.6.9", null)]
    [InlineData("SMTPUTF8,8BITMIME", "utf8", null, "accepted 250", "MAIL FROM:<sender@client.test> SMTPUTF8")]
    public async Task What_the_peer_cannot_carry_is_not_begun(string keywords, string kind, string? content, string expected, string? command)
    {
        await using var server = new ScriptedServer(After(
            keywords, command is null ? Quit : $"C: {command}\nS: 250 ok\nC: RCPT TO:<a@mx.test>\nS: 250 ok\nC: DATA\nS: 354 go\n!data\nS: 250 ok\n{Quit}"));
        var channel = await ChannelAsync(server);
        var envelope = Envelope("a@mx.test") with
        {
            Body = kind switch { "8bit" => BodyType.EightBitMime, "binary" => BodyType.BinaryMime, _ => BodyType.SevenBit },
            SmtpUtf8 = kind == "utf8",
        };
        Assert.Equal(expected, (await channel.SendAsync(envelope, content ?? "x\r\n")).Text());
        Assert.True(channel.Usable);
        await channel.DisposeAsync();
        await server.Done;
    }

    [Fact]
    public async Task Addresses_that_are_not_ascii_need_smtputf8_but_domains_do_not()
    {
        await using var server = new ScriptedServer(After(
            "", $"C: MAIL FROM:<>\nS: 250 ok\nC: RCPT TO:<a@xn--bcher-kva.test>\nS: 250 ok\nC: DATA\nS: 354 go\n!data\nS: 250 ok\n{Quit}"));
        var channel = await ChannelAsync(server);
        var bounce = Envelope("a@bücher.test") with { ReturnPath = null };
        Assert.Equal("accepted 250", (await channel.SendAsync(bounce, "x\r\n")).Text());
        Assert.Equal("unsupported 5.6.7", (await channel.SendAsync(Envelope("ü@mx.test"), "x\r\n")).Text());
        await channel.DisposeAsync();
        await server.Done;
    }

    [Fact]
    public async Task A_caller_that_cancels_in_the_middle_leaves_no_final_dot()
    {
        await using var server = new ScriptedServer(After("PIPELINING", $"{Mail}C: DATA\nS: 250 ok\nS: 250 ok\nS: 354 go\n!octets 1000\n!stall"));
        var channel = await ChannelAsync(server);
        using var caller = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
        await using var endless = new EndlessText();
        var sending = channel.SendAsync(Envelope("a@mx.test"), endless, long.MaxValue / 2, caller.Token).AsTask();
        await server.Stalled;
        await caller.CancelAsync();
        var error = await Assert.ThrowsAnyAsync<OperationCanceledException>(() => sending);
        Assert.Equal(caller.Token, error.CancellationToken);
        Assert.False(channel.Usable);
        await channel.DisposeAsync();
        await server.Done;
    }

    [Fact]
    public async Task Content_that_cannot_be_read_ends_the_session_and_is_thrown()
    {
        await using var server = new ScriptedServer(After("PIPELINING", $"{Mail}C: DATA\nS: 250 ok\nS: 250 ok\nS: 354 go\n!gone"));
        var channel = await ChannelAsync(server);
        await using var broken = new EndlessText { FailAt = 100_000 };
        var error = await Assert.ThrowsAsync<IOException>(async () => await channel.SendAsync(Envelope("a@mx.test"), broken, 1_000_000, Cancel));
        Assert.Equal("disk failure", error.Message);
        Assert.False(channel.Usable);
        await channel.DisposeAsync();
        await server.Done;
    }

    [Fact]
    public async Task More_replies_than_commands_make_a_channel_unusable()
    {
        await using var server = new ScriptedServer(After(
            "PIPELINING", $"{Mail}C: DATA\nS: 250 ok\nS: 250 ok\nS: 354 go\n!data\n!raw 250 ok\\r\\n250 for your next message\\r\\n\n!gone"));
        var channel = await ChannelAsync(server);
        Assert.Equal("accepted 250", (await channel.SendAsync(Envelope("a@mx.test"), "x\r\n")).Text());
        Assert.False(channel.Usable);
        await channel.DisposeAsync();
        await server.Done;
    }

    [Theory]
    [InlineData("PIPELINING", "C: DATA\n!raw 250 ok\\r\\n250 ok\\r\\n354 go\\r\\n250 fake\\r\\n\n", "interrupted Data ProtocolError")]
    [InlineData("CHUNKING,PIPELINING", "!raw 250 ok\\r\\n250 ok\\r\\n250 fake\\r\\n\n", "interrupted RcptTo ProtocolError")]
    public async Task A_reply_too_many_is_never_taken_for_the_reply_to_the_content(string keywords, string replies, string expected)
    {
        await using var server = new ScriptedServer(After(keywords, $"{Mail}{replies}!gone"));
        var channel = await ChannelAsync(server);
        Assert.Equal(expected, (await channel.SendAsync(Envelope("a@mx.test"), "x\r\n")).Text());
        Assert.False(channel.Usable);
        await channel.DisposeAsync();
        await server.Done;
    }

    [Fact]
    public async Task A_channel_is_quiet_until_the_peer_says_something()
    {
        await using var server = new ScriptedServer(After("PIPELINING", $"{Mail}C: DATA\nS: 250 ok\nS: 250 ok\nS: 354 go\n!data\nS: 250 ok\n{Mail}C: DATA\nS: 250 ok\nS: 250 ok\nS: 354 go\n!data\nS: 250 ok\n{Quit}"));
        var channel = await ChannelAsync(server);
        Assert.True(channel.IsQuiet);
        Assert.Equal("accepted 250", (await channel.SendAsync(Envelope("a@mx.test"), "x\r\n")).Text());
        var watch = channel.WatchAsync();
        Assert.True(channel.IsQuiet);
        Assert.Equal("accepted 250", (await channel.SendAsync(Envelope("a@mx.test"), "x\r\n")).Text());
        await watch;
        await channel.DisposeAsync();
        Assert.False(channel.IsQuiet);
        Assert.True(channel.WatchAsync().IsCompleted);
    }

    [Theory]
    [InlineData("S: 421 4.4.2 too long idle\n!gone")]
    [InlineData("!raw x\n!gone")]
    [InlineData("!close\n!gone")]
    [InlineData("!cut\n!gone")]
    [InlineData("!reset")]
    public async Task What_breaks_the_silence_between_two_messages_is_seen_and_not_read(string end)
    {
        using var authority = LocalAuthority.Create("test root", TimeProvider.System);
        foreach (var tls in (string[])["", "!tls\n"])
        {
            await using var server = new ScriptedServer(
                tls + After("PIPELINING", $"{Mail}C: DATA\nS: 250 ok\nS: 250 ok\nS: 354 go\n!data\nS: 250 ok\n{end}"),
                ServerCertificates.FromCertificates([authority.Issue("mx.test")]));
            var options = Options();
            var demand = Demands.Any(start: tls.Length > 0 ? TlsStart.Implicit : TlsStart.None);
            var channel = Assert.IsType<Clearance.Granted>(await SmtpClientConnection.OpenAsync(server.Address, demand, options, Cancel)).Channel;
            Assert.Equal("accepted 250", (await channel.SendAsync(Envelope("a@mx.test"), "x\r\n")).Text());

            await channel.WatchAsync().ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ContinueOnCapturedContext);

            Assert.False(channel.IsQuiet);
            await channel.DiscardAsync();
            await server.Done;
            Assert.DoesNotContain(options.Transcript!.Lines, line => line.Text.StartsWith("421", StringComparison.Ordinal) || line.Text == "QUIT");
        }
    }

    [Fact]
    public async Task A_cut_tls_connection_in_place_of_the_last_reply_may_be_a_delivery()
    {
        using var authority = LocalAuthority.Create("test root", TimeProvider.System);
        await using var server = new ScriptedServer(
            "!tls\n" + After("PIPELINING", $"{Mail}C: DATA\nS: 250 ok\nS: 250 ok\nS: 354 go\n!data\n!cut\n!gone"),
            ServerCertificates.FromCertificates([authority.Issue("mx.test")]));
        var clearance = await SmtpClientConnection.OpenAsync(server.Address, Demands.Any(start: TlsStart.Implicit), Options(), Cancel);
        var channel = Assert.IsType<Clearance.Granted>(clearance).Channel;
        var results = await channel.SendAsync(Envelope("a@mx.test"), "x\r\n");
        Assert.Equal("interrupted EndOfData ConnectionLost maybe", results.Text());
        Assert.Contains("cut off", Assert.IsType<RecipientResult.Interrupted>(results[0]).Fault.Detail, StringComparison.Ordinal);
        await channel.DisposeAsync();
        await server.Done;
    }

    [Fact]
    public async Task Large_content_passes_through_tls_octet_for_octet()
    {
        using var authority = LocalAuthority.Create("test root", TimeProvider.System);
        await using var server = new ScriptedServer(
            "!tls\n" + After("PIPELINING", $"{Mail}C: DATA\nS: 250 ok\nS: 250 ok\nS: 354 go\n!data\nS: 250 ok\n{Quit}"),
            ServerCertificates.FromCertificates([authority.Issue("mx.test")]));
        var clearance = await SmtpClientConnection.OpenAsync(server.Address, Demands.Any(start: TlsStart.Implicit), Options(), Cancel);
        var channel = Assert.IsType<Clearance.Granted>(clearance).Channel;
        var content = Text(1_000_000);
        Assert.Equal("accepted 250", (await channel.SendAsync(Envelope("a@mx.test"), content)).Text());
        Assert.True(server.Content[0].AsSpan(0, content.Length).SequenceEqual(content));
        await channel.DisposeAsync();
        await server.Done;
    }

    [Fact]
    public async Task The_transcript_holds_the_dialogue_and_not_the_message()
    {
        await using var server = new ScriptedServer(After(
            "PIPELINING", $"{Mail}C: DATA\nS: 250 ok\nS: 250 ok\nS: 354 go\n!data\nS: 250 2.0.0 queued\n{Quit}"));
        var options = Options();
        var channel = await ChannelAsync(server, options);
        await channel.SendAsync(Envelope("a@mx.test"), "secret\r\n");
        await channel.DisposeAsync();
        await server.Done;

        var lines = options.Transcript!.Lines.SkipWhile(line => !line.Text.StartsWith("MAIL", StringComparison.Ordinal)).Select(line => $"{line.Speaker}: {line.Text}");
        Assert.Equal(
            [
                "Client: MAIL FROM:<sender@client.test>", "Client: RCPT TO:<a@mx.test>", "Client: DATA", "Server: 250 ok", "Server: 250 ok", "Server: 354 go",
                "Event: (8 octets of message)", "Server: 250 2.0.0 queued", "Client: QUIT", "Server: 221 bye",
            ],
            lines);
    }
}
