using System.Globalization;

namespace Hopseal.Relay.Tests;

public sealed class LogTimeTests
{
    [Fact]
    public void A_time_is_written_in_UTC_whatever_the_culture_and_the_zone()
    {
        var before = CultureInfo.CurrentCulture;
        var dotted = (CultureInfo)CultureInfo.InvariantCulture.Clone();
        dotted.DateTimeFormat.DateSeparator = ".";
        dotted.DateTimeFormat.TimeSeparator = "h";
        try
        {
            CultureInfo.CurrentCulture = dotted;
            Assert.Equal("2026-12-01T23:30:05.070Z", ((LogTime)new DateTimeOffset(2026, 12, 2, 1, 30, 5, 70, TimeSpan.FromHours(2))).ToString());
            Assert.Equal("2026-12-01", ((LogTime)new DateOnly(2026, 12, 1)).ToString());
        }
        finally
        {
            CultureInfo.CurrentCulture = before;
        }
    }
}
