using Hopseal.Reports.Tlsrpt.Sending;

namespace Hopseal.Reports.Tests.Tlsrpt.Sending;

public sealed class ReportScheduleTests
{
    static readonly DateOnly s_day = new(2026, 11, 30);

    [Fact]
    public void Reports_are_spread_over_the_hours_after_midnight_and_each_domain_has_its_time()
    {
        var midnight = new DateTimeOffset(2026, 12, 1, 0, 0, 0, TimeSpan.Zero);
        var times = Enumerable.Range(0, 1000).Select(number => DueAt($"d{number}.example")).ToArray();
        Assert.All(times, time => Assert.InRange(time - midnight, ReportSchedule.Grace, ReportSchedule.Grace + TimeSpan.FromHours(4)));

        // No quarter is empty, and none has half of them.
        Assert.All(times.GroupBy(time => (int)((time - midnight - ReportSchedule.Grace).TotalHours)).Where(hour => hour.Key < 4), hour => Assert.InRange(hour.Count(), 150, 350));
        Assert.Equal(DueAt("d1.example"), DueAt("d1.example"));
        Assert.NotEqual(DueAt("d1.example"), ReportSchedule.DueAt(s_day, "d1.example", "mx2.sender.example", TimeSpan.FromHours(4)));
        Assert.Equal(midnight + ReportSchedule.Grace, ReportSchedule.DueAt(s_day, "d1.example", "mx1.sender.example", TimeSpan.Zero));
    }

    [Theory]
    [InlineData(1, 5)]
    [InlineData(2, 10)]
    [InlineData(6, 160)]
    [InlineData(7, 240)]
    [InlineData(int.MaxValue, 240)]
    public void Delays_double_up_to_four_hours(int tries, int minutes) =>
        Assert.Equal(TimeSpan.FromMinutes(minutes), ReportSchedule.DelayAfter(tries));

    static DateTimeOffset DueAt(string domain) => ReportSchedule.DueAt(s_day, domain, "mx1.sender.example", TimeSpan.FromHours(4));
}
