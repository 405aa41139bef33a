using Hopseal.Interop.Tests.Fixtures;

namespace Hopseal.Interop.Tests;

/// <summary>Plaintext around STARTTLS (RFC 3207 §6; the published injection of 2011 and 2021): nothing that came before TLS has
/// an effect inside it.</summary>
public sealed class InjectionTests(LocalGateway gateway) : IClassFixture<LocalGateway>
{
    // What a command that was executed would be answered with.
    static readonly int[] s_executed = [250, 334, 354, 535];

    static readonly TimeSpan s_limit = TimeSpan.FromSeconds(30);

    public static TheoryData<string> Injected =>
    [
        "RSET\r\n",
        "NOOP\r\n",
        "EHLO attacker.test\r\n",
        "EHLO attacker.test\r\nMAIL FROM:<attacker@origin.test>\r\nRCPT TO:<victim@kept.test>\r\nDATA\r\nSubject: injected-by-starttls\r\n\r\n.\r\n",
        "AUTH PLAIN AGFwcAB3cm9uZw==\r\n",
        "R",
        "\r\n",
    ];

    [Theory(Timeout = 60_000)]
    [MemberData(nameof(Injected))]
    public async Task Commands_behind_STARTTLS_in_one_segment_are_not_executed(string injected)
    {
        var cancel = TestContext.Current.CancellationToken;
        await using var client = await RawSmtp.OpenAsync(gateway.MxPort, cancel);

        await client.SendAsync("STARTTLS\r\n" + injected, cancel);
        var answers = await client.ReadToEndAsync(cancel);

        Assert.DoesNotContain(answers, answer => s_executed.Any(code => answer.StartsWith($"{code}", StringComparison.Ordinal)));
        await AssertNothingCameThroughAsync("injected-by-starttls", cancel);
    }

    [Fact(Timeout = 60_000)]
    public async Task An_injection_is_told_as_an_attack()
    {
        var cancel = TestContext.Current.CancellationToken;
        var name = $"attacker-{Guid.NewGuid():n}.test";
        await using var client = await RawSmtp.ConnectAsync(gateway.MxPort, cancel);
        await client.ExpectAsync(220, cancel);
        await client.CommandAsync($"EHLO {name}", 250, cancel);

        await client.SendAsync("STARTTLS\r\nRSET\r\n", cancel);
        await client.ReadToEndAsync(cancel);

        var told = await gateway.LoggedAsync(1901, name, cancel);
        Assert.Equal("mx", told.GetProperty("Listener").GetString());
    }

    [Fact(Timeout = 60_000)]
    public async Task Plaintext_instead_of_a_handshake_ends_the_connection_unanswered()
    {
        var cancel = TestContext.Current.CancellationToken;
        await using var client = await RawSmtp.OpenAsync(gateway.MxPort, cancel);
        await client.CommandAsync("STARTTLS", 220, cancel);

        await client.SendAsync("EHLO attacker.test\r\nMAIL FROM:<attacker@origin.test>\r\n", cancel);

        Assert.DoesNotContain(await client.ReadToEndAsync(cancel), answer => answer.StartsWith("250", StringComparison.Ordinal));
    }

    [Fact(Timeout = 60_000)]
    public async Task The_EHLO_before_TLS_is_forgotten()
    {
        var cancel = TestContext.Current.CancellationToken;
        await using var client = await RawSmtp.OpenAsync(gateway.MxPort, cancel);
        await client.CommandAsync("STARTTLS", 220, cancel);
        await client.HandshakeAsync(gateway.Root, LocalGateway.Hostname, cancel);

        await client.CommandAsync("MAIL FROM:<a@origin.test>", 503, cancel);
        var hello = await client.CommandAsync("EHLO client.test", 250, cancel);

        Assert.DoesNotContain(hello.Lines, line => line.EndsWith("STARTTLS", StringComparison.Ordinal));
        await client.CommandAsync("STARTTLS", 503, cancel);
    }

    [Fact(Timeout = 60_000)]
    public async Task A_transaction_begun_before_TLS_is_forgotten()
    {
        var cancel = TestContext.Current.CancellationToken;
        await using var client = await RawSmtp.OpenAsync(gateway.MxPort, cancel);
        await client.CommandAsync("MAIL FROM:<attacker@origin.test>", 250, cancel);
        await client.CommandAsync($"RCPT TO:<someone@{LocalGateway.Domain}>", 250, cancel);

        await client.CommandAsync("STARTTLS", 220, cancel);
        await client.HandshakeAsync(gateway.Root, LocalGateway.Hostname, cancel);
        await client.CommandAsync("EHLO client.test", 250, cancel);

        await client.CommandAsync("DATA", 503, cancel);
        await client.CommandAsync($"RCPT TO:<someone@{LocalGateway.Domain}>", 503, cancel);
    }

    [Fact(Timeout = 60_000)]
    public async Task AUTH_before_TLS_is_refused_and_no_password_is_read()
    {
        var cancel = TestContext.Current.CancellationToken;
        await using var client = await RawSmtp.OpenAsync(gateway.SubmissionPort, cancel);

        var reply = await client.CommandAsync("AUTH LOGIN", cancel);

        Assert.InRange(reply.Code, 500, 599);
    }

    /// <summary>A message sent afterwards arrives, the injected one has not: it does not wait somewhere either.</summary>
    async Task AssertNothingCameThroughAsync(string mark, CancellationToken cancel)
    {
        var sentinel = $"after-{Guid.NewGuid():n}";
        await using var client = await RawSmtp.OpenTlsAsync(gateway.MxPort, gateway.Root, LocalGateway.Hostname, cancel);
        await client.SendMessageAsync(
            "a@origin.test", [$"someone@{LocalGateway.Domain}"], System.Text.Encoding.ASCII.GetBytes($"Subject: {sentinel}\r\n\r\nx\r\n"), cancel);
        await gateway.Mailbox.WaitForAsync(sentinel, 1, s_limit, () => gateway.Output, cancel);
        Assert.Equal(0, gateway.Mailbox.Count(mark));
    }
}
