using System.Text;
using System.Text.Json;
using Hopseal.Dns;
using Hopseal.Relay.Queue;
using Hopseal.Reports.Tlsrpt.Sending;
using Hopseal.Smtp.Mail;
using Hopseal.Smtp.Tls;
using Hopseal.Smtp.Wire;
using MimeKit;

namespace Hopseal.Reports.Tests.Tlsrpt.Sending;

/// <summary>From counted sessions to reports that are sent, with a clock that stands.</summary>
public sealed class ReportSenderTests
{
    const string ByMail = "_smtp._tls.example.org TXT v=TLSRPTv1\\;rua=mailto:tls@reports.test";
    const string ByHttps = "_smtp._tls.example.org TXT v=TLSRPTv1\\;rua=https://reports.test/\nreports.test A 10.0.0.1";
    static readonly DateOnly s_day = new(2026, 11, 30);
    static readonly DateTimeOffset s_midnight = new(2026, 12, 1, 0, 0, 0, TimeSpan.Zero);

    /// <summary>After the last report of the day was due.</summary>
    static readonly DateTimeOffset s_morning = s_midnight.AddHours(5);

    static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_day_is_reported_when_it_is_over_and_the_time_of_its_domain_has_come()
    {
        await using var world = SendingWorld.With(ByMail);
        world.Record(Records.Outbound(Records.Tls()), Records.Outbound(Records.Tls()), Records.Outbound(new TlsOutcome.Refused([Records.NotOffered])));
        var due = ReportSchedule.DueAt(s_day, "example.org", world.Options.Hostname, world.Options.Spread);
        await world.AtAsync(due.AddMinutes(-1));
        Assert.Empty(List(world));

        await world.AtAsync(due);
        var report = Assert.Single(List(world));
        Assert.Equal(("example.org", s_day, 2L, 1L, SentState.Waiting), (report.Domain, report.Day, report.Successful, report.Failed, report.State));
        var json = Json(world, report);
        Assert.Equal("2026-11-30T00:00:00Z", json.GetProperty("date-range").GetProperty("start-datetime").GetString());
        Assert.Equal("2026-11-30T23:59:59Z", json.GetProperty("date-range").GetProperty("end-datetime").GetString());
        Assert.Equal("tls@sender.example", json.GetProperty("contact-info").GetString());

        // Once.
        await world.AtAsync(due.AddHours(1));
        Assert.Single(List(world));
        Assert.Single(world.Queue);
    }

    [Fact]
    public async Task Mail_goes_by_our_queue_signed_without_notices_and_whatever_TLS_there_is()
    {
        await using var world = SendingWorld.With(ByMail);
        world.Record(Records.Outbound(Records.Tls()));
        await world.AtAsync(s_morning);
        var message = Assert.Single(world.Queue);
        Assert.Equal("<tls@sender.example>", message.Envelope.ReturnPathText);
        Assert.Equal(MessageTls.Optional, message.Envelope.Tls);
        var recipient = Assert.Single(message.Envelope.Recipients);
        Assert.Equal(("tls@reports.test", DsnNotify.Never), ($"{recipient}", recipient.Notify));

        using var mime = await MimeMessage.LoadAsync(new MemoryStream(message.Content.ToArray()), Cancel);
        Assert.Equal("No", mime.Headers["TLS-Required"]);
        Assert.StartsWith("v=1; a=rsa-sha256; d=sender.example; s=tlsrpt;", mime.Headers[HeaderId.DkimSignature], StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_becomes_of_the_mail_is_known()
    {
        await using var world = SendingWorld.With(ByMail);
        world.Record(Records.Outbound(Records.Tls()));
        await world.AtAsync(s_morning);
        Assert.Equal(TargetState.Queued, Assert.Single(Assert.Single(List(world)).Targets).State);
        Assert.True(world.Tally.TryRecord(Attempt(world, Records.MissedFloor)));
        Assert.True(world.Tally.TryRecord(Attempt(world, Records.Delivered)));
        await FlushAsync(world);
        Assert.Equal(SentState.Sent, Assert.Single(List(world)).State);
    }

    [Fact]
    public async Task A_bounce_of_the_mail_is_the_end_of_the_report()
    {
        await using var world = SendingWorld.With(ByMail);
        world.Record(Records.Outbound(Records.Tls()));
        await world.AtAsync(s_morning);
        Assert.True(world.Tally.TryRecord(Attempt(world, new RecipientOutcome.Bounced(new EnhancedStatus(5, 1, 1), "no such user"))));
        await FlushAsync(world);
        var report = Assert.Single(List(world));
        Assert.Equal((SentState.Failed, "no such user"), (report.State, report.Why));
    }

    [Fact]
    public async Task Mail_that_waits_for_a_day_leaves_the_queue()
    {
        await using var world = SendingWorld.With(ByMail);
        world.Record(Records.Outbound(Records.Tls()));
        await world.AtAsync(s_morning);
        await world.AtAsync(s_morning.AddHours(23));
        Assert.Single(world.Queue);
        await world.AtAsync(s_morning.AddHours(25));
        Assert.Empty(world.Queue);
        Assert.Equal((SentState.Failed, "the mail could not be delivered for a day"), (List(world)[0].State, List(world)[0].Why));
    }

    [Fact]
    public async Task Sessions_that_carry_reports_are_not_reported_after_a_restart_neither()
    {
        await using var world = SendingWorld.With(ByMail + "\n_smtp._tls.reports.test TXT v=TLSRPTv1\\;rua=mailto:tls@reports.test");
        world.Record(Records.Outbound(Records.Tls()));
        await world.AtAsync(s_morning);
        var carrier = Records.Outbound(Records.Tls(), "reports.test", s_morning) with { Message = world.Queue[0].Id };
        world.Record(carrier);
        await world.RestartAsync();
        world.Record(carrier, Records.Outbound(Records.Tls(), "example.org", s_morning));
        await world.AtAsync(s_morning.AddDays(1));
        Assert.Equal(["example.org", "example.org"], List(world).Select(report => report.Domain));
        Assert.Equal(1, List(world)[0].Successful);
    }

    [Fact]
    public async Task Counts_survive_a_restart_and_add_up()
    {
        await using var world = SendingWorld.With(ByMail);
        for (var i = 0; i < 3; i++)
        {
            world.Record(Records.Outbound(Records.Tls()), Records.Outbound(new TlsOutcome.Refused([Records.NotOffered])));
            Assert.True(await world.Tally.WriteAsync(Cancel));
            await world.RestartAsync();
        }

        await world.AtAsync(s_morning);
        var report = Assert.Single(List(world));
        Assert.Equal((3, 3), (report.Successful, report.Failed));
        var policy = Assert.Single(Json(world, report).GetProperty("policies").EnumerateArray());
        var failure = Assert.Single(policy.GetProperty("failure-details").EnumerateArray());
        Assert.Equal(("starttls-not-supported", 3), (failure.GetProperty("result-type").GetString(), failure.GetProperty("failed-session-count").GetInt32()));
        Assert.Equal("192.0.2.25", failure.GetProperty("receiving-ip").GetString());
    }

    [Fact]
    public async Task A_part_of_a_day_and_its_rest_are_two_reports_that_add_up()
    {
        await using var world = SendingWorld.With(ByMail);
        world.Record(Records.Outbound(Records.Tls()));
        Assert.IsType<Made.Report>(Assert.Single(await world.Sender.SendNowAsync(s_day, null, Cancel)).Made);
        world.Record(Records.Outbound(Records.Tls()), Records.Outbound(Records.Tls()));
        await world.AtAsync(s_morning);
        var reports = List(world);
        Assert.Equal([2, 1], reports.Select(report => report.Successful));
        Assert.Equal(2, reports.Select(report => report.ReportId).Distinct().Count());
        Assert.Equal("2026-11-30T12:00:00Z", Json(world, reports[1]).GetProperty("date-range").GetProperty("end-datetime").GetString());
    }

    [Theory]
    [InlineData("")]
    [InlineData("_smtp._tls.example.org TXT v=TLSRPTv1\\;rua=mailto:a@x.test\n_smtp._tls.example.org TXT v=TLSRPTv1\\;rua=mailto:b@x.test")]
    [InlineData("_smtp._tls.example.org TXT v=TLSRPTv1")]
    public async Task Without_exactly_one_record_there_is_no_report(string zone)
    {
        await using var world = SendingWorld.With(zone);
        world.Record(Records.Outbound(Records.Tls()));
        await world.AtAsync(s_morning);
        Assert.Empty(List(world));
        Assert.Empty(world.Reports.Unreported(s_day.AddDays(10)));
    }

    [Theory]
    [InlineData("example.org", true)]
    [InlineData("sub.example.org", false)]
    public async Task Who_is_excepted_gets_none(string domain, bool gets)
    {
        await using var world = SendingWorld.With(
            ByMail + "\n_smtp._tls.sub.example.org TXT v=TLSRPTv1\\;rua=mailto:tls@reports.test",
            options => options with { ExceptBelow = [DomainName.Parse("example.org")], Except = [DomainName.Parse("other.example")] });
        world.Record(Records.Outbound(Records.Tls(), domain));
        await world.AtAsync(s_morning);
        Assert.Equal(gets ? 1 : 0, List(world).Length);
    }

    [Fact]
    public async Task A_record_that_cannot_be_looked_up_is_asked_for_again_for_a_day()
    {
        await using var world = SendingWorld.With("_smtp._tls.example.org FAIL TXT");
        world.Record(Records.Outbound(Records.Tls()));
        await world.AtAsync(s_morning);
        Assert.Empty(List(world));
        Assert.Single(world.Reports.Unreported(s_day.AddDays(1)));
        await world.AtAsync(s_morning.AddHours(25));
        var report = Assert.Single(List(world));
        Assert.Equal(SentState.Failed, report.State);
        Assert.StartsWith("_smtp._tls.example.org could not be looked up for a day: ", report.Why, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_post_is_tried_again_for_a_day_and_then_given_up()
    {
        await using var world = SendingWorld.With(ByHttps);
        world.Record(Records.Outbound(Records.Tls()));
        var time = s_morning;
        await world.AtAsync(time);
        var tries = 0;
        while (List(world)[0] is { State: SentState.Waiting, Targets: [var target] })
        {
            Assert.Equal(++tries, target.Tries);
            Assert.Equal(time + ReportSchedule.DelayAfter(tries), target.DueAt);
            time = target.DueAt;
            await world.AtAsync(time.AddSeconds(-1));
            Assert.Equal(tries, List(world)[0].Targets[0].Tries);
            await world.AtAsync(time);
        }

        var report = List(world)[0];
        Assert.Equal(SentState.Failed, report.State);
        Assert.Equal("it was given up after a day: reports.test cannot be reached: 10.0.0.1: not a public address", report.Why);
        Assert.InRange(time, s_morning.AddHours(18), s_morning.AddHours(24));
        Assert.InRange(tries, 8, 12);
    }

    [Fact]
    public async Task Each_target_gets_it_and_one_that_has_it_is_enough()
    {
        await using var world = SendingWorld.With("_smtp._tls.example.org TXT v=TLSRPTv1\\;rua=https://reports.test/,mailto:tls@reports.test\nreports.test A 10.0.0.1");
        world.Record(Records.Outbound(Records.Tls()));
        await world.AtAsync(s_morning);
        Assert.True(world.Tally.TryRecord(Attempt(world, Records.Delivered)));
        await FlushAsync(world);
        var report = List(world)[0];
        Assert.Equal((SentState.Sent, TargetState.Waiting, TargetState.Sent), (report.State, report.Targets[0].State, report.Targets[1].State));
        await world.AtAsync(s_morning.AddDays(2));
        report = List(world)[0];
        Assert.Equal((SentState.Sent, TargetState.Failed), (report.State, report.Targets[0].State));
    }

    [Fact]
    public async Task A_dry_run_makes_reports_and_sends_none()
    {
        await using var world = SendingWorld.With(ByMail, options => options with { DryRun = true });
        world.Record(Records.Outbound(Records.Tls()));
        await world.AtAsync(s_morning);
        await world.AtAsync(s_morning.AddDays(2));
        Assert.Equal(SentState.Kept, Assert.Single(List(world)).State);
        Assert.Empty(world.Queue);
    }

    [Fact]
    public async Task Without_a_key_nothing_goes_by_mail_and_the_report_says_why()
    {
        await using var world = SendingWorld.With(ByMail, options => options with { Signer = null });
        world.Record(Records.Outbound(Records.Tls()));
        await world.AtAsync(s_morning);
        Assert.Empty(world.Queue);
        Assert.Equal((SentState.Failed, "reports by mail need a signature, and TlsReports.Send.Dkim is not configured"), (List(world)[0].State, List(world)[0].Why));
    }

    [Fact]
    public async Task A_message_that_never_reached_the_queue_is_written_again()
    {
        await using var world = SendingWorld.With(ByMail);
        world.Record(Records.Outbound(Records.Tls()));
        await world.AtAsync(s_morning);
        world.Queue.Clear();
        await world.RestartAsync();
        await world.AtAsync(s_morning.AddHours(2));
        await world.AtAsync(s_morning.AddHours(3));
        Assert.Single(world.Queue);
    }

    [Fact]
    public async Task Old_reports_are_deleted()
    {
        await using var world = SendingWorld.With(ByMail, options => options with { Days = 10 });
        world.Record(Records.Outbound(Records.Tls()));
        await world.AtAsync(s_morning);
        world.Clock.SetUtcNow(s_morning.AddDays(9));
        await world.Sender.DeleteOldAsync(Cancel);
        Assert.Single(List(world));
        world.Clock.SetUtcNow(s_morning.AddDays(11));
        await world.Sender.DeleteOldAsync(Cancel);
        Assert.Empty(List(world));
    }

    [Fact]
    public async Task The_list_can_be_asked_for_a_part()
    {
        await using var world = SendingWorld.With(ByMail);
        world.Record(Records.Outbound(Records.Tls()));
        await world.AtAsync(s_morning);
        Assert.Single(world.Reports.List(new SentFilter { Domain = "example.org", Day = s_day, State = SentState.Waiting }, null, 10));
        Assert.Empty(world.Reports.List(new SentFilter { Domain = "example.net" }, null, 10));
        Assert.Empty(world.Reports.List(new SentFilter { Day = s_day.AddDays(1) }, null, 10));
        Assert.Empty(world.Reports.List(new SentFilter { State = SentState.Failed }, null, 10));
        Assert.Empty(world.Reports.List(new SentFilter(), List(world)[0].Id, 10));
        Assert.Null(world.Reports.Find(99));
    }

    static SentReport[] List(SendingWorld world) => [.. world.Reports.List(new SentFilter(), null, 100)];

    static JsonElement Json(SendingWorld world, SentReport report)
    {
        using var document = JsonDocument.Parse(Encoding.UTF8.GetString(world.Reports.Json(report.Id)!));
        return document.RootElement.Clone();
    }

    /// <summary>What was posted to the database before is written.</summary>
    static Task FlushAsync(SendingWorld world) => world.Database.WriteAsync(_ => { }, Cancel);

    static Hopseal.Relay.DeliveryAttempt Attempt(SendingWorld world, RecipientOutcome outcome)
    {
        var attempt = Records.Attempt(Records.Tls(), outcome, "reports.test", s_morning);
        return attempt with { Lease = attempt.Lease with { Id = world.Queue[0].Id } };
    }
}
