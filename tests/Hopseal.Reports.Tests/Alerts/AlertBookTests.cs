using FsCheck;
using FsCheck.Xunit;
using Hopseal.Reports.Alerts;

namespace Hopseal.Reports.Tests.Alerts;

public sealed class AlertBookTests
{
    static readonly DateTimeOffset s_noon = Records.Noon;

    readonly AlertBook _book = new();

    [Fact]
    public void What_is_certain_opens_at_once_and_ends_when_it_is_missing_twice()
    {
        Assert.Equal(["Opened a"], Look(Bad("a")));
        Assert.Empty(Look(Bad("a")));
        Assert.Empty(Look());
        Assert.Empty(Look(Bad("a")));
        Assert.Empty(Look());
        Assert.Equal(["Resolved a"], Look());
        Assert.Empty(Look());
        Assert.Empty(_book.Open);
    }

    [Fact]
    public void What_may_be_passing_has_to_be_seen_twice_in_a_row()
    {
        Assert.Empty(Look(Bad("a") with { Certain = false }));
        Assert.Empty(Look());
        Assert.Empty(Look(Bad("a") with { Certain = false }));
        Assert.Equal(["Opened a"], Look(Bad("a") with { Certain = false }));
    }

    [Fact]
    public void What_cannot_be_found_out_changes_nothing()
    {
        Look(Bad("a"));
        Look();
        Assert.Empty(_book.Look("rule", null, s_noon));
        Assert.Single(_book.Open);
        Assert.Equal(["Resolved a"], Look());
    }

    [Fact]
    public void It_is_told_again_when_it_gets_worse_and_daily_when_it_is_critical()
    {
        Look(Bad("a", AlertSeverity.Warning));
        Assert.Equal(["Raised a"], Look(Bad("a", AlertSeverity.Critical)));
        Assert.Empty(Look(Bad("a", AlertSeverity.Warning)));
        Assert.Empty(Look(Bad("a", AlertSeverity.Critical)));
        Assert.Empty(LookAt(s_noon.AddHours(23), Bad("a", AlertSeverity.Critical)));
        Assert.Equal(["Reminder a"], LookAt(s_noon.AddHours(25), Bad("a", AlertSeverity.Critical)));
        Assert.Empty(LookAt(s_noon.AddHours(26), Bad("a", AlertSeverity.Critical)));
    }

    [Fact]
    public void Who_was_told_that_it_is_critical_is_told_that_it_ended()
    {
        Look(Bad("a"));
        Look(Bad("a", AlertSeverity.Info));
        Look();
        var resolved = Assert.Single(_book.Look("rule", [], s_noon));
        Assert.Equal((NoticeKind.Resolved, AlertSeverity.Critical), (resolved.Kind, resolved.Alert.Severity));
    }

    [Fact]
    public void What_comes_and_goes_has_to_stay_away_longer_each_time()
    {
        var notices = 0;
        for (var second = 0; second < 3600; second += 5)
        {
            notices += LookAt(s_noon.AddSeconds(second), second / 5 % 4 == 0 ? [Bad("a")] : []).Length;
        }

        // Opened, resolved, opened: from then on it would have to be away for a minute, and never is.
        Assert.Equal(3, notices);
        Assert.Empty(LookAt(s_noon.AddHours(1)));
        Assert.Equal(["Resolved a"], LookAt(s_noon.AddHours(1).AddMinutes(1)));
        Assert.Equal(["Opened a"], LookAt(s_noon.AddHours(3), Bad("a")));
        Assert.Empty(LookAt(s_noon.AddHours(3)));
        Assert.Equal(["Resolved a"], LookAt(s_noon.AddHours(3)));
    }

    [Fact]
    public void A_clock_that_ran_ahead_and_was_set_back_holds_up_nothing()
    {
        LookAt(s_noon.AddYears(1), Bad("a"), Bad("b", AlertSeverity.Critical));
        Assert.Equal(["Reminder b"], LookAt(s_noon, Bad("b", AlertSeverity.Critical)));
        Assert.Equal(["Resolved a"], LookAt(s_noon, Bad("b", AlertSeverity.Critical)));
    }

    [Fact]
    public void One_subject_that_cannot_be_found_out_does_not_hold_up_the_others()
    {
        Look(Bad("a"), Bad("b"));
        Look(Trouble.Unknown("a"));
        Assert.Equal(["Resolved b"], Look(Trouble.Unknown("a"), Trouble.Unknown("new")));
        Assert.Equal("a", Assert.Single(_book.Open).Subject);
    }

    [Fact]
    public void A_flood_that_grows_tells_nobody_that_something_ended()
    {
        Assert.Equal(50, Look([.. Enumerable.Range(0, 50).Select(i => Bad($"m{i:000}"))]).Length);
        Bounded([.. Enumerable.Range(0, 50).Select(i => Bad($"m{i:000}")), .. Enumerable.Range(0, 50).Select(i => Bad($"a{i:000}"))]);
        void Bounded(Trouble[] more)
        {
            Assert.Empty(Look(more));
            Assert.Empty(Look(more));
        }
    }

    [Fact]
    public void Words_of_peers_come_in_one_bounded_line()
    {
        Look(new Trouble("a", AlertSeverity.Info, $"x\r\nBcc: y\u001b{new string('z', 2000)}", "mend\nit"));
        var alert = Assert.Single(_book.Open);
        Assert.StartsWith("x??Bcc: y?", alert.Text, StringComparison.Ordinal);
        Assert.Equal((500, "mend?it"), (alert.Text.Length, alert.Advice));
    }

    [Fact]
    public void Words_that_change_are_handed_out_once_and_do_not_put_off_the_reminder()
    {
        Look(Bad("a"));
        Assert.Empty(_book.TakeChanged());
        LookAt(s_noon.AddHours(1), Bad("a") with { Text = "worse" });
        var changed = Assert.Single(_book.TakeChanged());
        Assert.Equal(("worse", s_noon), (changed.Text, changed.SeenAt));
        Assert.Empty(_book.TakeChanged());
    }

    [Fact]
    public void A_flood_becomes_one_alert_on_all_that_are_too_many()
    {
        var flood = Enumerable.Range(0, 1000).Select(i => Bad($"host{i:000}")).ToArray();
        Assert.Equal(AlertBook.MostPerRule, Look(flood).Length);
        Assert.Contains(_book.Open, alert => alert.Text.Contains("951 others", StringComparison.Ordinal));
        Assert.Empty(Look([.. flood.Reverse()]));
        Look();
        Assert.Equal(AlertBook.MostPerRule, Look().Length);
    }

    [Fact]
    public void After_a_restart_nothing_is_told_twice_and_no_number_is_given_twice()
    {
        Look(Bad("a"));
        var restarted = new AlertBook();
        restarted.Restore(_book.Open, 17);
        Assert.Empty(restarted.Look("rule", [Bad("a")], s_noon));
        var opened = Assert.Single(restarted.Look("rule", [Bad("a"), Bad("b")], s_noon));
        Assert.Equal(18, opened.Alert.Id);
        Assert.NotNull(restarted.Silence(18, s_noon.AddDays(1)));
        Assert.Null(restarted.Silence(99, s_noon));
    }

    /// <summary>Whatever rules see: at most one alert is open for a subject, and notices come in pairs.</summary>
    [Property]
    public void Notices_open_and_resolve_in_turn(byte[][] looks)
    {
        var book = new AlertBook();
        var open = new HashSet<string>();
        foreach (var look in looks ?? [])
        {
            var seen = (look ?? []).Select(octet => Bad($"s{octet % 4}", (AlertSeverity)(octet % 3)) with { Certain = octet % 2 == 0 })
                .Append(Trouble.Unknown($"s{looks!.Length % 4}")).ToArray();
            foreach (var notice in book.Look("rule", seen, s_noon))
            {
                Assert.True(notice.Kind switch
                {
                    NoticeKind.Opened => open.Add(notice.Alert.Subject),
                    NoticeKind.Resolved => open.Remove(notice.Alert.Subject),
                    NoticeKind.Raised or NoticeKind.Reminder => open.Contains(notice.Alert.Subject),
                    NoticeKind.Test => false,
                });
            }

            Assert.Equal(open.Order(), book.Open.Select(alert => alert.Subject).Order());
        }
    }

    string[] Look(params Trouble[] seen) => LookAt(s_noon, seen);

    string[] LookAt(DateTimeOffset at, params Trouble[] seen) => [.. _book.Look("rule", seen, at).Select(notice => $"{notice.Kind} {notice.Alert.Subject}")];

    static Trouble Bad(string subject, AlertSeverity severity = AlertSeverity.Critical) => new(subject, severity, $"{subject} is bad", "mend it");
}
