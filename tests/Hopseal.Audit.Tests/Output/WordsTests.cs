using Hopseal.Audit.Output;

namespace Hopseal.Audit.Tests.Output;

public sealed class WordsTests
{
    [Theory]
    [InlineData(0, "0 days", "0 entries")]
    [InlineData(1, "1 day", "1 entry")]
    [InlineData(2, "2 days", "2 entries")]
    [InlineData(10_000, "10000 days", "10000 entries")]
    public void One_is_not_many(long number, string days, string entries)
    {
        Assert.Equal(days, Words.Count(number, "day"));
        Assert.Equal(entries, Words.Count(number, "entry", "entries"));
    }
}
