using System.Text;
using Hopseal.Interop.Tests.Fixtures;

namespace Hopseal.Interop.Tests;

/// <summary>DANE between Hopseal and Postfix, each once as the sender who checks and once as the host whose records are checked, over a signed
/// tree that both look up by the same validating resolver.</summary>
public sealed class DanePostfixTests(DanePostfixRoute route) : IClassFixture<DanePostfixRoute>
{
    static readonly TimeSpan s_limit = TimeSpan.FromSeconds(60);

    [Theory(Timeout = 90_000)]
    [InlineData(DanePostfixRoute.Right, "Verified")]
    [InlineData(DanePostfixRoute.Wrong, "Untrusted")]
    public async Task Posttls_finger_verifies_Hopseal_by_its_records_only(string domain, string verdict)
    {
        SkipWhereItCannotBe();
        var cancel = TestContext.Current.CancellationToken;

        var told = await route.Sender.RunAsync(
            "posttls-finger", ["-c", "-l", "dane", "-L", "summary,verbose", $"{domain}:{route.GatewayPort}"], cancel);

        Assert.Contains($"{verdict} TLS connection established to mx.{domain}", told.Output + told.Error, StringComparison.Ordinal);
    }

    [Fact(Timeout = 90_000)]
    public async Task Postfix_with_DANE_delivers_to_Hopseal_over_a_verified_connection()
    {
        SkipWhereItCannotBe();
        var cancel = TestContext.Current.CancellationToken;

        await SendAsync(route.Sender.Port, $"bob@{DanePostfixRoute.Right}", cancel);

        var received = await route.Gateway.LoggedAsync(1101, $"bob@{DanePostfixRoute.Right}", cancel);
        Assert.Equal("kept in a Maildir", received.GetProperty("Reply").GetString()!.Split("2.0.0 ")[^1]);
        await SaidAsync($"Verified TLS connection established to mx.{DanePostfixRoute.Right}", cancel);
    }

    [Fact(Timeout = 90_000)]
    public async Task Postfix_with_DANE_keeps_what_is_for_a_Hopseal_with_another_key()
    {
        SkipWhereItCannotBe();
        var cancel = TestContext.Current.CancellationToken;

        await SendAsync(route.Sender.Port, $"wrong@{DanePostfixRoute.Wrong}", cancel);

        var told = await Eventually.FindAsync(
            "what Postfix says of it",
            s_limit,
            () => route.Sender.Log.Split('\n').FirstOrDefault(line => line.Contains($"to=<wrong@{DanePostfixRoute.Wrong}>", StringComparison.Ordinal)),
            () => route.Story,
            cancel);
        Assert.True(told.Contains("status=deferred (Server certificate not verified)", StringComparison.Ordinal), told);
        Assert.DoesNotContain($"wrong@{DanePostfixRoute.Wrong}", route.Gateway.Output, StringComparison.Ordinal);
    }

    [Fact(Timeout = 90_000)]
    public async Task Hopseal_delivers_to_a_Postfix_that_it_verifies_by_its_records()
    {
        SkipWhereItCannotBe();
        var cancel = TestContext.Current.CancellationToken;

        await SendAsync(route.GatewayPort, $"anna@{DanePostfixRoute.PostfixRight}", cancel);

        var delivered = await route.Gateway.LoggedAsync(1101, $"anna@{DanePostfixRoute.PostfixRight}", cancel);
        var session = await route.Gateway.LoggedAsync(1002, delivered.GetProperty("Session").GetString()!, cancel);
        Assert.Equal(("authenticated", "dane-ee"), (session.GetProperty("Level").GetString(), session.GetProperty("Identity").GetString()));
        Assert.Single(await route.Receiver.Mailbox.WaitForAsync($"anna@{DanePostfixRoute.PostfixRight}", 1, s_limit, () => route.Story, cancel));
    }

    [Fact(Timeout = 90_000)]
    public async Task Hopseal_keeps_what_is_for_a_Postfix_with_another_key()
    {
        SkipWhereItCannotBe();
        var cancel = TestContext.Current.CancellationToken;

        await SendAsync(route.GatewayPort, $"carl@{DanePostfixRoute.PostfixWrong}", cancel);

        var deferred = await route.Gateway.LoggedAsync(1102, $"carl@{DanePostfixRoute.PostfixWrong}", cancel);
        Assert.Equal("4.7.5", deferred.GetProperty("Status").GetString());
        Assert.Contains("no-tlsa-match", deferred.GetProperty("Reason").GetString(), StringComparison.Ordinal);
        Assert.Equal(0, route.Receiver.Mailbox.Count($"carl@{DanePostfixRoute.PostfixWrong}"));
    }

    static async Task SendAsync(int port, string recipient, CancellationToken cancel)
    {
        await using var client = await RawSmtp.OpenAsync(port, cancel);
        var content = Encoding.ASCII.GetBytes($"Subject: for {recipient}\r\nFrom: <a@origin.test>\r\n\r\nHello\r\n");
        Assert.Equal(250, (await client.SendMessageAsync("a@origin.test", [recipient], content, cancel)).Code);
    }

    Task SaidAsync(string text, CancellationToken cancel) => Eventually.TrueAsync(
        text, s_limit, () => route.Sender.Log.Contains(text, StringComparison.Ordinal), () => route.Story, cancel);

    static void SkipWhereItCannotBe() => Assert.SkipWhen(DanePostfixRoute.Unavailable is not null, DanePostfixRoute.Unavailable ?? "");
}
