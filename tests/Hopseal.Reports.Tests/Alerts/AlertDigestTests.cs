using Hopseal.Reports.Alerts;

namespace Hopseal.Reports.Tests.Alerts;

public sealed class AlertDigestTests
{
    static readonly Alert s_alert = new(1, "disk.full", "/var", AlertSeverity.Warning, "The disk is nearly full", "Make room.", Records.Noon, Records.Noon, null, null);

    [Fact]
    public void It_says_what_is_open_what_is_new_and_what_ended()
    {
        var digest = new AlertDigest(
            Records.Noon,
            [s_alert with { Id = 3, Text = "New", SilencedUntil = Records.Noon.AddDays(1) }, s_alert with { Id = 2, OpenedAt = Records.Noon.AddDays(-3) }],
            [s_alert with { ResolvedAt = Records.Noon.AddHours(1) }]);

        Assert.False(digest.IsEmpty);
        Assert.Equal("daily: 2 open, 1 of them new; 1 ended", digest.Subject);
        Assert.Equal(
            """
            Open

            * New
              warning, disk.full, alert 3, since 2026-11-30 12:00:00Z, new, silent until 2026-12-01 12:00:00Z
              What to do: Make room.
            * The disk is nearly full
              warning, disk.full, alert 2, since 2026-11-27 12:00:00Z
              What to do: Make room.

            Ended

            * The disk is nearly full
              warning, disk.full, alert 1, from 2026-11-30 12:00:00Z to 2026-11-30 13:00:00Z


            """,
            digest.Text);
    }

    [Fact]
    public void Where_nothing_happened_there_is_nothing_to_say() => Assert.True(new AlertDigest(Records.Noon, [], []).IsEmpty);

    [Fact]
    public void A_thousand_are_not_listed()
    {
        var digest = new AlertDigest(Records.Noon, [.. Enumerable.Range(1, 1000).Select(id => s_alert with { Id = id })], []);
        Assert.Equal("daily: 1000 open, 1000 of them new; 0 ended", digest.Subject);
        Assert.Contains("\n* and 900 more: hopseal alerts list --all\n", digest.Text, StringComparison.Ordinal);
        Assert.Equal(101, digest.Text.Split('\n').Count(line => line.StartsWith('*')));
    }
}
