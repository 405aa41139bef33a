using Hopseal.Reports.Alerts;
using Hopseal.Reports.Tlsrpt.Receiving;

namespace Hopseal.Reports.Tests.Alerts;

public sealed class ReportRulesTests
{
    static readonly DateOnly s_today = new(2026, 11, 30);

    [Theory]
    [InlineData(90, 10, 0, null)]
    [InlineData(89, 11, 0, AlertSeverity.Warning)]
    [InlineData(40, 60, 0, AlertSeverity.Critical)]
    [InlineData(40, 60, 60, AlertSeverity.Critical)]
    [InlineData(0, 4, 0, null)]
    [InlineData(980, 20, 6, AlertSeverity.Warning)]
    [InlineData(980, 20, 7, null)]
    [InlineData(981, 19, 0, null)]
    public void Failures_count_when_they_are_a_large_part_or_more_than_usual(int successful, int failed, int usual, AlertSeverity? severity)
    {
        var days = Enumerable.Range(3, 14).Select(ago => Day(ago, 1000, usual)).Append(Day(1, successful, failed)).ToArray();

        var troubles = ReportRules.Failures(days, s_today);

        Assert.Equal(severity is { } expected ? [expected] : Array.Empty<AlertSeverity>(), troubles.Select(trouble => trouble.Severity));
        Assert.All(troubles, trouble => Assert.Equal("example.org", trouble.Subject));
    }

    [Fact]
    public void It_is_said_how_many_failed_and_how() => Assert.Equal(
        "TLS failed in 60 of 100 sessions to example.org (60 %), say the reports on the last days: certificate-expired (40), starttls-not-supported (20)",
        Assert.Single(ReportRules.Failures([Day(1, 40, 60, ("starttls-not-supported", 20), ("certificate-expired", 40))], s_today)).Text);

    [Fact]
    public void Without_two_weeks_there_is_no_usual_and_what_is_old_counts_no_more()
    {
        Assert.Empty(ReportRules.Failures([Day(1, 10_000, 500), Day(3, 1, 0), Day(4, 1, 0)], s_today));
        Assert.Empty(ReportRules.Failures([Day(3, 0, 100)], s_today));
        Assert.Empty(ReportRules.Failures([Day(1, 0, 100) with { Domain = "" }], s_today));
    }

    [Theory]
    [InlineData("certificate-expired", 3, "validation-failure", true)]
    [InlineData("certificate-expired", 2, "validation-failure", false)]
    [InlineData("certificate-expired", 3, "certificate-expired", false)]
    public void A_kind_of_failure_is_told_when_it_is_new(string type, int sessions, string before, bool told)
    {
        var days = Enumerable.Range(3, 10).Select(ago => Day(ago, 100, 1, (before, 1))).Append(Day(2, 100, sessions, (type, sessions))).ToArray();

        Assert.Equal(told ? ["example.org certificate-expired"] : [], ReportRules.NewResults(days, s_today).Select(trouble => trouble.Subject));
    }

    [Fact]
    public void Where_nobody_reported_before_nothing_is_new() =>
        Assert.Empty(ReportRules.NewResults([Day(1, 100, 50, ("certificate-expired", 50)), Day(3, 100, 0)], s_today));

    [Theory]
    [InlineData(4, 14, true)]
    [InlineData(4, 12, true)]
    [InlineData(4, 11, false)]
    [InlineData(3, 14, false)]
    [InlineData(1, 16, false)]
    public void Who_always_reported_is_missed_after_three_days(int last, int count, bool missed)
    {
        var reporter = Enumerable.Range(last, count).Select(ago => Day(ago, 1, 0));
        var other = Enumerable.Range(1, 17).Select(ago => Day(ago, 1, 0) with { Signer = "faithful.example" });

        Assert.Equal(missed ? ["reporter.example"] : [], ReportRules.Silent([.. reporter, .. other], s_today).Select(trouble => trouble.Subject));
    }

    [Fact]
    public void When_all_fall_silent_it_is_one_trouble()
    {
        var days = Enumerable.Range(4, 14).Select(ago => Day(ago, 1, 0)).ToArray();
        var both = days.Concat(days.Select(day => day with { Signer = "other.example" })).ToArray();
        Assert.Equal(["all reporters"], ReportRules.Silent(both, s_today).Select(trouble => trouble.Subject));
        Assert.Equal(["reporter.example"], ReportRules.Silent(days, s_today).Select(trouble => trouble.Subject));
    }

    static ReportedDay Day(int ago, long successful, long failed, params (string, long)[] failures) => new(
        s_today.AddDays(-ago), "example.org", "Reporter", "reporter.example", 1, successful, failed, [.. failures]);
}
