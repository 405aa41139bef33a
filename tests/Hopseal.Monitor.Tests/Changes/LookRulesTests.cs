using Hopseal.Monitor.Changes;
using Hopseal.Reports.Alerts;
using static Hopseal.Monitor.Tests.GoodDomain;

namespace Hopseal.Monitor.Tests.Changes;

public sealed class LookRulesTests
{
    static readonly DateTimeOffset s_running = At.AddDays(-30);

    [Theory]
    [InlineData(2, WatchedAs.Own, null)]
    [InlineData(3, WatchedAs.Own, AlertSeverity.Warning)]
    [InlineData(3, WatchedAs.Partner, AlertSeverity.Info)]
    [InlineData(40, WatchedAs.Partner, AlertSeverity.Info)]
    public void Looks_that_find_nothing_out_are_told_from_the_third_on(int looks, WatchedAs watched, AlertSeverity? severity)
    {
        var history = History(watched, Facts) with { Looks = new LookState(At.AddHours(-1), At.AddHours(4), looks, "421 too many connections") };
        var told = LookRules.Of([history], At, s_running).ToArray();
        Assert.Equal(severity, told.Select(one => (AlertSeverity?)one.Trouble.Severity).SingleOrDefault());
        Assert.All(told, one => Assert.Equal((AlertRules.MonitorStale, Name), (one.Rule, one.Trouble.Subject)));
        Assert.All(told, one => Assert.Contains($"{looks} looks at good.example in a row found nothing out: 421 too many connections", one.Trouble.Text, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(-6.0, -1.0, false)] // a little late
    [InlineData(-11.0, -6.0, true)] // an interval late
    [InlineData(-10.2, -10.0, true)] // the look that was to confirm something
    [InlineData(-1.7, -1.5, false)]
    [InlineData(null, -1.0, false)]
    [InlineData(null, -3.0, true)]
    public void Looks_that_are_not_made_are_told(double? last, double next, bool late)
    {
        var history = History(WatchedAs.Own, Facts) with { Looks = new LookState(last is { } hours ? At.AddHours(hours) : null, At.AddHours(next), 0, null) };
        var told = LookRules.Of([history, history], At, s_running).Select(one => one.Trouble).ToArray();
        Assert.Equal(late ? ["monitor"] : [], told.Select(trouble => trouble.Subject));
        Assert.All(told, trouble => Assert.StartsWith("2 domains are not looked at as often as they should be", trouble.Text, StringComparison.Ordinal));
    }

    [Fact]
    public void What_was_due_while_the_gateway_stood_still_is_not_late()
    {
        var history = History(WatchedAs.Own, Facts) with { Looks = new LookState(At.AddDays(-9), At.AddDays(-8.8), 0, null) };
        Assert.Empty(LookRules.Of([history], At, since: At.AddHours(-1)));
        Assert.Single(LookRules.Of([history], At.AddHours(6), since: At.AddHours(-1)));
    }

    [Fact]
    public void An_old_certificate_may_have_been_renewed_while_nobody_could_look()
    {
        var ended = History(WatchedAs.Own, RuleCases.Until(-2)) with { Looks = new LookState(At, At, LookRules.Many, "421") };
        Assert.All(MonitorRules.Of(ended, At).Where(told => told.Rule == AlertRules.MonitorCertificateExpiring), told => Assert.True(told.Trouble.IsUnknown));
    }
}
