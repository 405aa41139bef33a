using Hopseal.Commands;

namespace Hopseal.Tests.Commands;

public sealed class DurationArgumentTests
{
    [Theory]
    [InlineData("30m", 30)]
    [InlineData("12h", 720)]
    [InlineData("7d", 10_080)]
    [InlineData("366d", 527_040)]
    public void Minutes_hours_and_days_are_read(string text, int minutes) => Assert.Equal(TimeSpan.FromMinutes(minutes), DurationArgument.Parse(text));

    [Theory]
    [InlineData("")]
    [InlineData("h")]
    [InlineData("12")]
    [InlineData("0h")]
    [InlineData("-1h")]
    [InlineData("1.5h")]
    [InlineData("12H")]
    [InlineData("1w")]
    [InlineData("367d")]
    [InlineData("99999999999d")]
    [InlineData("\u0001h")]
    public void Anything_else_is_refused(string text) => Assert.Throws<UsageException>(() => DurationArgument.Parse(text));
}
