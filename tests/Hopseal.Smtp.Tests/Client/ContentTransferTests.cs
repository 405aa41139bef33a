using System.Security.Cryptography;
using System.Text;
using Hopseal.Smtp.Client;
using Hopseal.Smtp.Mail;
using Microsoft.Extensions.Time.Testing;
using static Hopseal.Smtp.Tests.Client.ClientScripts;
using static Hopseal.Smtp.Tests.Client.SampleContent;

namespace Hopseal.Smtp.Tests.Client;

public sealed class ContentTransferTests
{
    const string Quit = "C: QUIT\nS: 221 bye\n!gone";
    const string Mail = "C: MAIL FROM:<sender@client.test>\nC: RCPT TO:<a@mx.test>\n";

    [Theory]
    [InlineData("x\r\n", "BDAT 3 LAST", "x\r\n")]
    [InlineData("x", "BDAT 3 LAST", "x\r\n")]
    [InlineData(".\r\n", "BDAT 3 LAST", ".\r\n")]
    [InlineData("", "BDAT 0 LAST", "")]
    public async Task With_chunking_the_content_goes_unstuffed(string content, string command, string wire)
    {
        await using var server = new ScriptedServer(After(
            "CHUNKING,PIPELINING", $"{Mail}S: 250 ok\nS: 250 ok\nC: {command}\n!octets {wire.Length}\nS: 250 ok\n{Quit}"));
        var channel = await ChannelAsync(server);
        Assert.Equal("accepted 250", (await channel.SendAsync(Envelope("a@mx.test"), content)).Text());
        Assert.Equal(wire, Encoding.Latin1.GetString(Assert.Single(server.Content)));
        await channel.DisposeAsync();
        await server.Done;
    }

    [Theory]
    [InlineData("CHUNKING,PIPELINING,BINARYMIME")]
    [InlineData("CHUNKING,BINARYMIME")]
    public async Task Large_binary_content_goes_in_chunks_octet_for_octet(string keywords)
    {
        const int Chunk = 1024 * 1024;
        var content = RandomNumberGenerator.GetBytes((2 * Chunk) + 12345);
        var pipelined = keywords.Contains("PIPELINING", StringComparison.Ordinal);
        var mail = "C: MAIL FROM:<sender@client.test> BODY=BINARYMIME\n";
        await using var server = new ScriptedServer(After(
            keywords,
            $"{mail}{(pipelined ? "" : "S: 250 ok\n")}C: RCPT TO:<a@mx.test>\nS: 250 ok\n{(pipelined ? "S: 250 ok\n" : "")}"
            + $"C: BDAT {Chunk}\n!octets {Chunk}\nS: 250 got it\nC: BDAT {Chunk}\n!octets {Chunk}\nS: 250 got it\nC: BDAT 12345 LAST\n!octets 12345\nS: 250 whole\n{Quit}"));
        var channel = await ChannelAsync(server);
        var results = await channel.SendAsync(Envelope("a@mx.test") with { Body = BodyType.BinaryMime }, content);
        Assert.Equal("accepted 250", results.Text());
        Assert.True(content.AsSpan().SequenceEqual(server.Content.SelectMany(part => part).ToArray()));
        await channel.DisposeAsync();
        await server.Done;
    }

    [Theory]
    [InlineData("CHUNKING,PIPELINING")]
    [InlineData("CHUNKING")]
    public async Task A_refused_chunk_ends_the_transfer(string keywords)
    {
        var pipelined = keywords.Contains("PIPELINING", StringComparison.Ordinal);
        await using var server = new ScriptedServer(After(
            keywords,
            $"C: MAIL *\n{(pipelined ? "" : "S: 250 ok\n")}C: RCPT *\nS: 250 ok\n{(pipelined ? "S: 250 ok\n" : "")}C: BDAT 1048576\n!octets 1048576\nS: 552 5.3.4 too big\n!gone"));
        var channel = await ChannelAsync(server);
        Assert.Equal("rejected Content 552", (await channel.SendAsync(Envelope("a@mx.test"), Text(8 * 1024 * 1024))).Text());
        Assert.False(channel.Usable);
        await channel.DisposeAsync();
        await server.Done;
    }

    [Theory]
    [InlineData("CHUNKING,PIPELINING")]
    [InlineData("PIPELINING")]
    public async Task Text_with_a_bare_line_break_is_never_completed(string keywords)
    {
        foreach (var content in new[] { "a\nb\r\n", "a\rb\r\n", "a\0b\r\n" })
        {
            var data = keywords.StartsWith("CHUNK", StringComparison.Ordinal) ? "" : "C: DATA\n";
            await using var server = new ScriptedServer(After(
                keywords, $"{Mail}{data}S: 250 ok\nS: 250 ok\n{(data.Length > 0 ? "S: 354 go\n" : "")}!gone"));
            var channel = await ChannelAsync(server);
            Assert.Equal("unsupported 5.6.0", (await channel.SendAsync(Envelope("a@mx.test"), content)).Text());
            await channel.DisposeAsync();
            await server.Done;
        }
    }

    [Theory]
    [InlineData("S: 552 5.3.4 too big\n!close\n!gone")]
    [InlineData("S: 552 5.3.4 too big\n!reset")]
    [InlineData("S: 552 5.3.4 too big\n!stall")]
    public async Task A_peer_that_refuses_in_the_middle_is_heard(string end)
    {
        await using var server = new ScriptedServer(After(
            "PIPELINING", $"{Mail}C: DATA\nS: 250 ok\nS: 250 ok\nS: 354 go\n!octets 100000\n{end}"));
        var channel = await ChannelAsync(server);
        Assert.Equal("rejected Content 552", (await channel.SendAsync(Envelope("a@mx.test"), Text(64 * 1024 * 1024))).Text());
        Assert.False(channel.Usable);
        await channel.DisposeAsync();
        await server.Done;
    }

    [Fact]
    public async Task A_peer_that_refuses_and_stops_reading_is_heard_too()
    {
        await using var server = new ScriptedServer(After(
            "PIPELINING", $"{Mail}C: DATA\nS: 250 ok\nS: 250 ok\nS: 354 go\n!octets 1000\nS: 452 4.3.1 disk full\n!halt"));
        var channel = await ChannelAsync(server);
        Assert.Equal("rejected Content 452", (await channel.SendAsync(Envelope("a@mx.test"), Text(64 * 1024 * 1024))).Text());
        await channel.DisposeAsync();
    }

    [Fact]
    public async Task A_peer_that_stops_reading_is_left_in_time()
    {
        var clock = new FakeTimeProvider();
        await using var server = new ScriptedServer(After("PIPELINING", $"{Mail}C: DATA\nS: 250 ok\nS: 250 ok\nS: 354 go\n!octets 1000\n!halt"));
        var channel = await ChannelAsync(server, Options(clock: clock));
        var sending = channel.SendAsync(Envelope("a@mx.test"), Text(64 * 1024 * 1024));
        await server.Stalled;
        await SmtpClientConnectionTests.AdvanceUntilDone(clock, sending, TimeSpan.FromMinutes(1));
        Assert.Equal("interrupted Content TimedOut", (await sending).Text());
        await channel.DisposeAsync();
    }

    [Theory]
    [InlineData("!stall", "interrupted MailFrom TimedOut")]
    [InlineData("S: 250 ok\nS: 250 ok\n!stall", "interrupted Data TimedOut")]
    [InlineData("S: 250 ok\nS: 250 ok\nS: 354 go\n!data\n!stall", "interrupted EndOfData TimedOut maybe")]
    public async Task Every_wait_has_its_limit(string replies, string expected)
    {
        var clock = new FakeTimeProvider();
        await using var server = new ScriptedServer(After("PIPELINING", $"{Mail}C: DATA\n{replies}"));
        var channel = await ChannelAsync(server, Options(clock: clock));
        var sending = channel.SendAsync(Envelope("a@mx.test"), "x\r\n");
        await server.Stalled;
        await SmtpClientConnectionTests.AdvanceUntilDone(clock, sending, TimeSpan.FromMinutes(1));
        Assert.Equal(expected, (await sending).Text());
        await channel.DisposeAsync();
        await server.Done;
    }

    [Fact]
    public async Task Thousands_of_recipients_go_in_groups()
    {
        var recipients = Enumerable.Range(0, 1050).Select(number => $"user{number}@mx.test").ToArray();
        var script = new StringBuilder("C: MAIL *\nS: 250 ok\n");
        for (var i = 0; i < recipients.Length; i++)
        {
            script.Append(System.Globalization.CultureInfo.InvariantCulture, $"C: RCPT TO:<{recipients[i]}>\nS: 250 ok\n");
        }

        script.Append("C: DATA\nS: 354 go\n!data\nS: 250 ok\n" + Quit);
        await using var server = new ScriptedServer(After("PIPELINING", script.ToString()));
        var channel = await ChannelAsync(server);
        var results = await channel.SendAsync(Envelope(recipients), "x\r\n");
        Assert.Equal(1050, results.Count(result => result is RecipientResult.Accepted));
        await channel.DisposeAsync();
        await server.Done;
    }

    [Theory]
    [InlineData(2)]
    [InlineData(4)]
    public async Task Content_of_another_length_than_announced_is_never_completed(long announced)
    {
        foreach (var keywords in new[] { "PIPELINING", "PIPELINING,CHUNKING" })
        {
            var data = keywords.EndsWith("CHUNKING", StringComparison.Ordinal) ? "" : "C: DATA\n";
            await using var server = new ScriptedServer(After(keywords, $"{Mail}{data}S: 250 ok\nS: 250 ok\n{(data.Length > 0 ? "S: 354 go\n" : "")}!gone"));
            var channel = await ChannelAsync(server);
            await Assert.ThrowsAsync<InvalidDataException>(async () =>
                await channel.SendAsync(Envelope("a@mx.test"), new MemoryStream("x\r\n"u8.ToArray()), announced, Cancel));
            Assert.False(channel.Usable);
            await channel.DisposeAsync();
            await server.Done;
        }
    }
}
