using Hopseal.Dashboard.Words;

namespace Hopseal.Dashboard.Tests.Words;

public sealed class ShownTests
{
    static readonly DateTimeOffset s_now = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);

    [Theory]
    [InlineData(0, 0, "–")]
    [InlineData(0, 10, "0 %")]
    [InlineData(10, 10, "100 %")]
    [InlineData(99_999, 100_000, "99.9 %")]
    [InlineData(1, 100_000, "0.1 %")]
    [InlineData(1, 3, "33.3 %")]
    public void A_share_is_never_rounded_to_all_or_none(long part, long whole, string words) => Assert.Equal(words, Shown.Share(part, whole));

    [Theory]
    [InlineData(-5, "5 s ago")]
    [InlineData(-120, "2 min ago")]
    [InlineData(7300, "in 2 h")]
    [InlineData(-200_000, "2 days ago")]
    public void A_distance_is_said_as_people_say_it(int seconds, string words) => Assert.Equal(words, Shown.Distance(s_now.AddSeconds(seconds), s_now));

    [Theory]
    [InlineData(1023, "1023 B")]
    [InlineData(1536, "1.5 KiB")]
    [InlineData(52_428_800, "50 MiB")]
    public void A_size_has_a_unit(long octets, string words) => Assert.Equal(words, Shown.Size(octets));
}
