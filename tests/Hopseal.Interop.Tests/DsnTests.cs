using System.Text;
using Hopseal.Interop.Tests.Fixtures;

namespace Hopseal.Interop.Tests;

/// <summary>Delivery reports between Hopseal and Postfix on both sides, read by programs that did not write them.</summary>
public sealed class DsnTests(DsnRoute route) : IClassFixture<DsnRoute>
{
    static readonly TimeSpan s_limit = TimeSpan.FromSeconds(60);

    [Fact(Timeout = 90_000)]
    public async Task What_was_asked_for_travels_to_a_host_with_DSN_which_reports_itself()
    {
        SkipWithoutPostfix();
        var cancel = TestContext.Current.CancellationToken;
        var id = $"id+{Guid.NewGuid():n}";

        await SendAsync(
            $"RET=HDRS ENVID={id.Replace("+", "+2B", StringComparison.Ordinal)}",
            [$"bob@{DsnRoute.Reporting}> NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;Bob+2Bfirst@elsewhere.test"],
            id,
            cancel);
        var report = await ReadAsync(id, cancel);

        Assert.Equal(("delivery-status", $"dns; {DsnRoute.ReportingHost}", id), (report.ReportType, report.Status[0]["Reporting-MTA"], report.Status[0]["Original-Envelope-Id"]));
        Assert.Equal(("delivered", "rfc822;Bob+first@elsewhere.test"), (report.Status[1]["Action"], report.Status[1]["Original-Recipient"]));
    }

    [Theory(Timeout = 90_000)]
    [InlineData(DsnRoute.Silent, "relayed")]
    [InlineData(DsnRoute.Kept, "delivered")]
    public async Task For_a_host_without_DSN_and_for_a_Maildir_the_gateway_reports(string domain, string action)
    {
        SkipWithoutPostfix();
        var cancel = TestContext.Current.CancellationToken;
        var id = $"{Guid.NewGuid():n}";

        await SendAsync($"RET=FULL ENVID={id}", [$"bob@{domain}> NOTIFY=SUCCESS ORCPT=rfc822;first@elsewhere.test"], id, cancel);
        var report = await ReadAsync(id, cancel);

        Assert.Equal(["text/plain", "message/delivery-status", "text/rfc822-headers"], report.Parts);
        Assert.Equal(("delivery-status", $"dns; {DsnRoute.GatewayName}", id), (report.ReportType, report.Status[0]["Reporting-MTA"], report.Status[0]["Original-Envelope-Id"]));
        var recipient = report.Status[1];
        Assert.Equal((action, $"rfc822;bob@{domain}", "rfc822;first@elsewhere.test"), (recipient["Action"], recipient["Final-Recipient"], recipient["Original-Recipient"]));
        Assert.StartsWith("2.", recipient["Status"], StringComparison.Ordinal);
        Assert.Equal(action == "relayed", recipient.ContainsKey("Remote-MTA"));
        Assert.Contains($"Subject: {id}", report.Returned, StringComparison.Ordinal);
        Assert.Empty(report.Defects);
    }

    [Theory(Timeout = 90_000)]
    [InlineData(DsnRoute.Reporting, "FULL", "message/rfc822")]
    [InlineData(DsnRoute.Silent, "HDRS", "text/rfc822-headers")]
    public async Task A_refusal_comes_back_as_far_as_it_was_wanted(string domain, string what, string type)
    {
        SkipWithoutPostfix();
        var cancel = TestContext.Current.CancellationToken;
        var quiet = $"{Guid.NewGuid():n}";
        var id = $"{Guid.NewGuid():n}";

        // Nobody is to hear of the first one, and what comes in later goes out later.
        await SendAsync($"RET={what} ENVID={quiet}", [$"nobody@{domain}> NOTIFY=NEVER"], quiet, cancel);
        await route.Gateway.LoggedAsync(1103, $"nobody@{domain}", cancel);
        await SendAsync($"RET={what} ENVID={id}", [$"nobody@{domain}> NOTIFY=FAILURE", $"alice@{domain}> NOTIFY=FAILURE"], id, cancel);
        var arrival = await FindAsync(id, cancel);
        var report = await ReadReport.OfAsync(arrival, cancel);

        Assert.Equal(["text/plain", "message/delivery-status", type], report.Parts);
        Assert.Equal(2, report.Status.Count);
        Assert.Equal(("failed", "5.1.1", $"rfc822;nobody@{domain}"), (report.Status[1]["Action"], report.Status[1]["Status"], report.Status[1]["Final-Recipient"]));
        Assert.Contains("no such user", report.Status[1]["Diagnostic-Code"], StringComparison.Ordinal);
        Assert.Equal(type == "message/rfc822", report.Returned.Contains($"body of {id}", StringComparison.Ordinal));
        Assert.Empty(report.Defects);
        Assert.Equal($"nobody@{domain} 550 user_unknown", await ReadReport.AsABounceAsync(arrival, cancel));
        Assert.Equal(0, route.Origin.Mailbox.Count(quiet));
    }

    [Fact(Timeout = 240_000)]
    public async Task Mail_that_waits_for_TLS_is_reported_once_with_the_reason_and_in_the_end_returned()
    {
        SkipWithoutPostfix();
        var cancel = TestContext.Current.CancellationToken;
        var id = $"{Guid.NewGuid():n}";
        await SendAsync($"ENVID={id}", [$"bob@{DsnRoute.Locked}>"], id, cancel);
        await route.Gateway.LoggedAsync(1102, $"bob@{DsnRoute.Locked}", cancel);

        await SinceAsync(TimeSpan.FromHours(5), cancel);
        var delayed = await ReadAsync(id, cancel, TimeSpan.FromSeconds(120));
        await SinceAsync(TimeSpan.FromDays(6), cancel);
        var arrivals = await route.Origin.Mailbox.WaitForAsync(id, 2, TimeSpan.FromSeconds(120), () => route.Story, cancel);
        var failed = await ReadReport.OfAsync(arrivals.Single(arrival => Encoding.UTF8.GetString(arrival.Content.Span).Contains("Action: failed", StringComparison.Ordinal)), cancel);

        Assert.Equal(("delayed", "4.7.4"), (delayed.Status[1]["Action"], delayed.Status[1]["Status"]));
        Assert.NotEmpty(delayed.Status[1]["Will-Retry-Until"]);
        Assert.Equal("failed", failed.Status[1]["Action"]);
        Assert.All([delayed, failed], report =>
        {
            Assert.Contains("encryption is required", report.Words, StringComparison.Ordinal);
            Assert.StartsWith(
                "required=encrypted; reached=plaintext; failure=starttls-not-supported",
                report.Status[1]["X-Hopseal-Transport-Security"],
                StringComparison.Ordinal);
            Assert.Empty(report.Defects);
        });
    }

    /// <summary>Through the sender's Postfix. The recipients begin behind <c>&lt;</c>.</summary>
    async Task SendAsync(string mail, string[] recipients, string mark, CancellationToken cancel)
    {
        await using var client = await RawSmtp.OpenAsync(route.Origin.Port, cancel);
        await client.CommandAsync($"MAIL FROM:<{DsnRoute.Sender}> {mail}", 250, cancel);
        foreach (var recipient in recipients)
        {
            await client.CommandAsync($"RCPT TO:<{recipient}", 250, cancel);
        }

        await client.CommandAsync("DATA", 354, cancel);
        await client.SendAsync($"Subject: {mark}\r\nFrom: <{DsnRoute.Sender}>\r\n\r\nbody of {mark}\r\n.\r\n", cancel);
        await client.ExpectAsync(250, cancel);
    }

    async Task<ReadReport> ReadAsync(string mark, CancellationToken cancel, TimeSpan? limit = null) =>
        await ReadReport.OfAsync(await FindAsync(mark, cancel, limit), cancel);

    /// <summary>What came back to the sender; nothing else may have.</summary>
    async Task<Arrival> FindAsync(string mark, CancellationToken cancel, TimeSpan? limit = null)
    {
        var arrivals = await route.Origin.Mailbox.WaitForAsync(mark, 1, limit ?? s_limit, () => route.Story, cancel);
        return Assert.Single(arrivals);
    }

    /// <summary>Restarts the gateway as if all that waits had come in so long ago.</summary>
    async Task SinceAsync(TimeSpan ago, CancellationToken cancel)
    {
        await route.Gateway.StopAsync(cancel);
        var then = (TimeProvider.System.GetUtcNow() - ago).ToUnixTimeMilliseconds();
        (await Command.RunAsync(
            "/usr/bin/python3",
            ["-c", "import sqlite3, sys; db = sqlite3.connect(sys.argv[1]); db.execute('UPDATE messages SET received_at = ?', [int(sys.argv[2])]); db.commit()", route.Database, $"{then}"],
            cancel)).Succeeded("Python");
        await route.Gateway.StartAsync(cancel);
    }

    static void SkipWithoutPostfix() => Assert.SkipWhen(PostfixInstance.Unavailable is not null, PostfixInstance.Unavailable ?? "");
}
