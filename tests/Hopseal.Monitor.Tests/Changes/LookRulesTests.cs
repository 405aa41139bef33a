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

    [Theory]
    [InlineData(47, "192.0.2.1", false)]
    [InlineData(49, "192.0.2.1", false)] // the other address was seen
    [InlineData(49, null, true)]
    public void A_certificate_that_was_not_seen_for_two_days_may_have_been_renewed(int hours, string? address, bool unknown)
    {
        var ended = WithSilence(History(WatchedAs.Own, RuleCases.Until(-0.5)), hours, address);
        var told = Assert.Single(MonitorRules.Of(ended, At), one => one.Rule == AlertRules.MonitorCertificateExpiring);
        Assert.Equal(unknown, told.Trouble.IsUnknown);
    }

    [Theory]
    [InlineData(WatchedAs.Own, 23, false)]
    [InlineData(WatchedAs.Own, 25, true)]
    [InlineData(WatchedAs.Partner, 25, false)]
    public void An_own_host_that_does_not_answer_for_a_day_is_told(WatchedAs watched, int hours, bool isTold)
    {
        var told = MonitorRules.Of(WithSilence(History(watched, Facts), hours, "192.0.2.1"), At).Where(one => one.Rule == AlertRules.MonitorUnreachable).Select(one => one.Trouble.Text);
        Assert.Equal(isTold ? [$"{First} [192.0.2.1] answered before, and did not for a day: 421"] : [], told);
    }

    [Fact]
    public void An_address_that_never_answered_is_no_news()
    {
        var never = Facts.Silent();
        Assert.DoesNotContain(MonitorRules.Of(WithSilence(History(WatchedAs.Own, never), 400, null), At), one => one.Rule == AlertRules.MonitorUnreachable);
    }

    /// <param name="address">Null: all of the first host.</param>
    static DomainHistory WithSilence(DomainHistory history, int hours, string? address) => history with
    {
        Looks = history.Looks with
        {
            Unanswered =
            [
                .. history.Current!.Facts.Hosts[0].Endpoints.Where(endpoint => address is null || endpoint.Address == address)
                    .Select(endpoint => new UnansweredPart($"{First} [{endpoint.Address}]:25", "421", At.AddHours(-hours)))
            ],
        },
    };
}
