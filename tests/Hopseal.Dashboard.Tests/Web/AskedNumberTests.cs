using Hopseal.Dashboard.Web;

namespace Hopseal.Dashboard.Tests.Web;

public sealed class AskedNumberTests
{
    [Theory]
    [InlineData(null, null)]
    [InlineData("", null)]
    [InlineData("17", 17L)]
    [InlineData("9223372036854775807", long.MaxValue)]
    [InlineData("9223372036854775808", null)]
    [InlineData("-1", null)]
    [InlineData("1e3", null)]
    [InlineData(" 1", null)]
    [InlineData("<script>", null)]
    public void What_is_no_number_asks_for_nothing(string? text, long? number) => Assert.Equal(number, AskedNumber.Of(text));
}
