using System.Text;
using Hopseal.Smtp.Client;
using Hopseal.Smtp.Tests.Tls;
using Hopseal.Smtp.Wire;

namespace Hopseal.Smtp.Tests.Client;

public sealed class SmtpReplyReaderTests
{
    static CancellationToken Cancel => TestContext.Current.CancellationToken;

    static async Task<ReplyRead> ReadAsync(byte[] octets)
    {
        await using var pair = await LoopbackPair.ConnectAsync(Cancel);
        var sending = Task.Run(
            async () =>
            {
                await pair.ServerSocket.SendAsync(octets, Cancel);
                pair.ServerSocket.Shutdown(System.Net.Sockets.SocketShutdown.Send);
            },
            Cancel);
        var read = await SmtpReplyReader.ReadAsync(pair.Client, Cancel);
        await sending;
        return read;
    }

    static async Task<SmtpReply> WholeAsync(string text) => Assert.IsType<ReplyRead.Whole>(await ReadAsync(Encoding.Latin1.GetBytes(text))).Reply;

    [Theory]
    [InlineData("250 ok\r\n", 250, null, "ok")]
    [InlineData("250\r\n", 250, null, "")]
    [InlineData("250 \r\n", 250, null, "")]
    [InlineData("250 2.1.0 sender ok\r\n", 250, "2.1.0", "sender ok")]
    [InlineData("550-5.1.1 no such\r\n550 5.1.1 user\r\n", 550, "5.1.1", "no such|user")]
    [InlineData("550-5.1.1 no such\r\n550 user\r\n", 550, "5.1.1", "no such|user")]
    [InlineData("450 4.7.1\r\n", 450, "4.7.1", "")]
    [InlineData("550 4.7.1 the classes differ\r\n", 550, null, "4.7.1 the classes differ")]
    [InlineData("220 10.0.0.1 ready\r\n", 220, null, "10.0.0.1 ready")]
    [InlineData("354-go\r\n354 on\r\nrest", 354, null, "go|on")]
    public async Task Replies_of_one_or_more_lines(string wire, int code, string? status, string lines)
    {
        var reply = await WholeAsync(wire);
        Assert.Equal((code, status, lines), (reply.Code, reply.Status?.ToString(), string.Join("|", reply.Lines)));
    }

    [Theory]
    [InlineData("hello\r\n")]
    [InlineData("25 ok\r\n")]
    [InlineData("2500 ok\r\n")]
    [InlineData("150 ok\r\n")]
    [InlineData("650 ok\r\n")]
    [InlineData("25x ok\r\n")]
    [InlineData("250_ok\r\n")]
    [InlineData("250-a\r\n251 b\r\n")]
    [InlineData("250-a\r\n\r\n")]
    [InlineData("250 ok\n")]
    [InlineData("250 o\rk\r\n")]
    [InlineData("\r\n")]
    public async Task What_is_no_reply_is_malformed(string wire) =>
        Assert.IsType<ReplyRead.Malformed>(await ReadAsync(Encoding.Latin1.GetBytes(wire)));

    [Fact]
    public async Task Lines_lengths_and_totals_are_bounded()
    {
        Assert.IsType<ReplyRead.Malformed>(await ReadAsync(Encoding.Latin1.GetBytes("250 " + new string('x', 3000) + "\r\n")));
        Assert.IsType<ReplyRead.Malformed>(await ReadAsync(Encoding.Latin1.GetBytes(string.Concat(Enumerable.Repeat("250-x\r\n", 200)))));
        Assert.IsType<ReplyRead.Malformed>(
            await ReadAsync(Encoding.Latin1.GetBytes(string.Concat(Enumerable.Repeat($"250-{new string('x', 1900)}\r\n", 60)))));
        var longest = await WholeAsync("250 " + new string('x', 2042) + "\r\n");
        Assert.Equal(2042, longest.Lines[0].Length);
    }

    [Theory]
    [InlineData("")]
    [InlineData("250-half\r\n")]
    [InlineData("250 no line end")]
    public async Task An_end_within_a_reply_is_no_reply(string wire) =>
        Assert.Equal(StreamEnd.Closed, Assert.IsType<ReplyRead.Ended>(await ReadAsync(Encoding.Latin1.GetBytes(wire))).End);

    [Fact]
    public async Task Text_is_made_harmless()
    {
        var utf8 = Assert.IsType<ReplyRead.Whole>(await ReadAsync([.. "250 Grüße"u8, .. "\r\n"u8])).Reply;
        Assert.Equal("Grüße", utf8.Lines[0]);
        Assert.Equal("Grüße", (await WholeAsync("250 Grüße\r\n")).Lines[0]); // Latin-1
        Assert.Equal("\uFFFD[2Jx\uFFFD\ty", (await WholeAsync("250 \u001b[2Jx\0\ty\r\n")).Lines[0]);
    }
}
