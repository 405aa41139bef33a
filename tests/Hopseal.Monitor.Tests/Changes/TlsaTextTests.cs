using Hopseal.Audit.Facts;
using Hopseal.Monitor.Changes;

namespace Hopseal.Monitor.Tests.Changes;

public sealed class TlsaTextTests
{
    [Theory]
    [InlineData("3 1 1 KEY0", true)]
    [InlineData("3 0 1 CERT0", true)]
    [InlineData("3 1 1 CERT0", false)]
    [InlineData("3 1 1 KEY1", false)]
    [InlineData("2 1 1 KEY1", true)]
    [InlineData("2 0 1 CERT1", true)]
    [InlineData("2 1 1 KEY9", null)]
    [InlineData("3 1 2 KEY0", null)]
    [InlineData("3 1 1", null)]
    [InlineData("", null)]
    public void A_record_is_held_against_the_digests_that_facts_have(string record, bool? matches)
    {
        CertificateFacts leaf = GoodDomain.Certificate("a.example", 'b') with { Fingerprint = "cert0", KeyFingerprint = "key0" };
        Assert.Equal(matches, TlsaText.AnyMatches([record], [leaf, leaf with { Fingerprint = "cert1", KeyFingerprint = "key1" }]));
    }

    [Fact]
    public void One_that_matches_is_enough_and_one_that_cannot_be_told_leaves_it_open()
    {
        var leaf = GoodDomain.Certificate("a.example", 'b') with { KeyFingerprint = "key0" };
        Assert.True(TlsaText.AnyMatches(["3 1 1 other", "3 1 2 x", "3 1 1 key0"], [leaf]));
        Assert.Null(TlsaText.AnyMatches(["3 1 1 other", "3 1 2 x"], [leaf]));
        Assert.False(TlsaText.AnyMatches([], [leaf]));
        Assert.False(TlsaText.AnyMatches(["3 1 1 key0"], []));
    }
}
