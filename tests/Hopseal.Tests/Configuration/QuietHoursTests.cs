using Hopseal.Configuration;

namespace Hopseal.Tests.Configuration;

public sealed class QuietHoursTests
{
    [Theory]
    [InlineData(22, 7, 21, 59, false)]
    [InlineData(22, 7, 22, 0, true)]
    [InlineData(22, 7, 23, 59, true)]
    [InlineData(22, 7, 0, 0, true)]
    [InlineData(22, 7, 6, 59, true)]
    [InlineData(22, 7, 7, 0, false)]
    [InlineData(12, 14, 11, 59, false)]
    [InlineData(12, 14, 12, 0, true)]
    [InlineData(12, 14, 13, 59, true)]
    [InlineData(12, 14, 14, 0, false)]
    [InlineData(12, 14, 0, 0, false)]
    public void They_begin_at_the_first_time_and_end_at_the_other(int from, int to, int hour, int minute, bool quiet) =>
        Assert.Equal(quiet, new QuietHours(new TimeOnly(from, 0), new TimeOnly(to, 0)).Hold(new TimeOnly(hour, minute)));
}
