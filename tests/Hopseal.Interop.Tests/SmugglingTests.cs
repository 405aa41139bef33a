using System.Text;
using Hopseal.Interop.Tests.Fixtures;

namespace Hopseal.Interop.Tests;

/// <summary>SMTP smuggling: line ends that one server takes for the end of a message and the next one does not. The gateway
/// refuses such content, so there is nothing for the next one to misread (RFC 5321 §2.3.8, §4.1.1.4).</summary>
public sealed class SmugglingTests(LocalGateway gateway) : IClassFixture<LocalGateway>
{
    static readonly TimeSpan s_limit = TimeSpan.FromSeconds(30);

    public static TheoryData<string> FalseEnds =>
        ["\n.\n", "\n.\r\n", "\r\n.\n", "\r.\r", "\r.\r\n", "\r\n.\r", "\r\n.\r\r\n", "\n\n.\r\n", "\r\r\n.\r\n\n"];

    [Theory(Timeout = 60_000)]
    [MemberData(nameof(FalseEnds))]
    public async Task A_message_with_a_false_end_is_refused_whole(string falseEnd)
    {
        var cancel = TestContext.Current.CancellationToken;
        var outer = $"outer-{Guid.NewGuid():n}";
        var inner = $"inner-{Guid.NewGuid():n}";
        await using var client = await OpenDataAsync(cancel);

        // The last octets end the content for every reading of what comes before.
        await client.SendAsync($"Subject: {outer}\r\n\r\nbody{falseEnd}{Smuggled(inner)}\r\n.\r\n", cancel);
        await client.SendAsync("QUIT\r\n", cancel);
        var answers = await client.ReadToEndAsync(cancel);

        Assert.StartsWith("5", answers[0], StringComparison.Ordinal);
        Assert.DoesNotContain(answers, answer => answer.StartsWith("250", StringComparison.Ordinal) || answer.StartsWith("354", StringComparison.Ordinal));
        await AssertArrivedAsync(cancel, (outer, 0), (inner, 0));
    }

    [Theory(Timeout = 60_000)]
    [InlineData("\r\n..\r\n")]
    [InlineData("\r\n. \r\n")]
    [InlineData("\r\n.QUIT\r\n")]
    public async Task Dots_that_end_nothing_are_content(string inside)
    {
        var cancel = TestContext.Current.CancellationToken;
        var outer = $"outer-{Guid.NewGuid():n}";
        var inner = $"inner-{Guid.NewGuid():n}";
        await using var client = await OpenDataAsync(cancel);

        await client.SendAsync($"Subject: {outer}\r\n\r\nbody{inside}{Smuggled(inner)}\r\n.\r\n", cancel);
        await client.ExpectAsync(250, cancel);
        await client.SendAsync("QUIT\r\n", cancel);
        await client.ReadToEndAsync(cancel);

        // The inner one is content of the outer one: found once, in the same message.
        await AssertArrivedAsync(cancel, (outer, 1), (inner, 1));
    }

    [Theory(Timeout = 60_000)]
    [InlineData("a\nb\r\n")]
    [InlineData("a\rb\r\n")]
    [InlineData("a\r\n.\nb\r\n")]
    public async Task BDAT_is_no_way_around_it(string body)
    {
        var cancel = TestContext.Current.CancellationToken;
        var mark = $"chunk-{Guid.NewGuid():n}";
        var content = Encoding.ASCII.GetBytes($"Subject: {mark}\r\n\r\n{body}");
        await using var client = await OpenTransactionAsync(cancel);

        await client.SendAsync($"BDAT {content.Length} LAST\r\n", cancel);
        await client.SendAsync(content, cancel);
        var reply = await client.ReadReplyAsync(cancel);

        Assert.InRange(reply!.Code, 500, 599);
        await AssertArrivedAsync(cancel, (mark, 0));
    }

    [Theory(Timeout = 60_000)]
    [InlineData("NOOP\nMAIL FROM:<a@origin.test>\r\n")]
    [InlineData("NOOP\rMAIL FROM:<a@origin.test>\r\n")]
    public async Task A_bare_line_break_in_a_command_separates_nothing(string line)
    {
        var cancel = TestContext.Current.CancellationToken;
        await using var client = await RawSmtp.OpenAsync(gateway.MxPort, cancel);

        await client.SendAsync(line + "QUIT\r\n", cancel);

        Assert.DoesNotContain(await client.ReadToEndAsync(cancel), answer => answer.StartsWith("250 2.1.0", StringComparison.Ordinal));
    }

    static string Smuggled(string mark) =>
        $"MAIL FROM:<admin@kept.test>\r\nRCPT TO:<victim@{LocalGateway.Domain}>\r\nDATA\r\nSubject: {mark}\r\n\r\nsmuggled\r\n";

    async Task<RawSmtp> OpenTransactionAsync(CancellationToken cancel)
    {
        var client = await RawSmtp.OpenTlsAsync(gateway.MxPort, gateway.Root, LocalGateway.Hostname, cancel);
        await client.CommandAsync("MAIL FROM:<a@origin.test>", 250, cancel);
        await client.CommandAsync($"RCPT TO:<someone@{LocalGateway.Domain}>", 250, cancel);
        return client;
    }

    async Task<RawSmtp> OpenDataAsync(CancellationToken cancel)
    {
        var client = await OpenTransactionAsync(cancel);
        await client.CommandAsync("DATA", 354, cancel);
        return client;
    }

    /// <summary>Sends one more message, and when that has arrived, counts.</summary>
    async Task AssertArrivedAsync(CancellationToken cancel, params (string Mark, int Count)[] expected)
    {
        var sentinel = $"after-{Guid.NewGuid():n}";
        await using var client = await OpenDataAsync(cancel);
        await client.SendAsync($"Subject: {sentinel}\r\n\r\nx\r\n.\r\n", cancel);
        await client.ExpectAsync(250, cancel);
        foreach (var mark in expected.Where(entry => entry.Count > 0).Select(entry => entry.Mark).Append(sentinel))
        {
            await gateway.Mailbox.WaitForAsync(mark, 1, s_limit, () => gateway.Output, cancel);
        }

        Assert.All(expected, entry => Assert.Equal(entry.Count, gateway.Mailbox.Count(entry.Mark)));
    }
}
