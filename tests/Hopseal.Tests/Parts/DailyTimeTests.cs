using System.Globalization;
using Hopseal.Parts;

namespace Hopseal.Tests.Parts;

public sealed class DailyTimeTests
{
    [Theory]
    [InlineData("2026-11-30T07:30:00Z", "UTC", "2026-11-30T07:30:00Z")]
    [InlineData("2026-11-30T07:29:59Z", "UTC", "2026-11-29T07:30:00Z")]
    [InlineData("2026-11-30T23:59:59Z", "UTC", "2026-11-30T07:30:00Z")]
    [InlineData("2026-11-30T06:30:00Z", "Europe/Amsterdam", "2026-11-30T06:30:00Z")]
    [InlineData("2026-11-30T06:29:00Z", "Europe/Amsterdam", "2026-11-29T06:30:00Z")]
    [InlineData("2026-07-01T05:30:00Z", "Europe/Amsterdam", "2026-07-01T05:30:00Z")]
    [InlineData("2026-11-30T00:30:00Z", "Pacific/Auckland", "2026-11-29T18:30:00Z")]
    public void It_was_that_time_today_or_yesterday(string now, string zone, string expected) => Assert.Equal(
        Parse(expected), DailyTime.LastBefore(Parse(now), new TimeOnly(7, 30), TimeZoneInfo.FindSystemTimeZoneById(zone)));

    [Fact]
    public void A_day_without_that_time_has_it_nevertheless()
    {
        // Clocks go from 2:00 to 3:00.
        var zone = TimeZoneInfo.FindSystemTimeZoneById("Europe/Amsterdam");
        Assert.Equal(Parse("2026-03-29T01:30:00Z"), DailyTime.LastBefore(Parse("2026-03-29T12:00:00Z"), new TimeOnly(2, 30), zone));
    }

    static DateTimeOffset Parse(string text) => DateTimeOffset.Parse(text, CultureInfo.InvariantCulture);
}
