using Hopseal.Dashboard.Words;
using Hopseal.Smtp.Tls;

namespace Hopseal.Dashboard.Tests.Words;

public sealed class FailureWordsTests
{
    public static TheoryData<TlsResultType> Types => [.. Enum.GetValues<TlsResultType>()];

    [Theory]
    [MemberData(nameof(Types))]
    public void Every_failure_says_in_sentences_what_happened_and_what_to_do(TlsResultType type)
    {
        var words = FailureWords.Of(type);

        Assert.EndsWith(".", words.What, StringComparison.Ordinal);
        Assert.EndsWith(".", words.Do, StringComparison.Ordinal);
        Assert.DoesNotContain(type.ToWire(), words.What + words.Do, StringComparison.Ordinal);
    }

    [Fact]
    public void No_two_failures_say_the_same() =>
        Assert.Equal(Types.Count, Enum.GetValues<TlsResultType>().Select(FailureWords.Of).Distinct().Count());
}
