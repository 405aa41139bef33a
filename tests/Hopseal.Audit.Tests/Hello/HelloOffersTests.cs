using Hopseal.Audit.Hello;

namespace Hopseal.Audit.Tests.Hello;

public sealed class HelloOffersTests
{
    [Fact]
    public void Every_suite_is_in_one_class_and_in_one_only()
    {
        var classes = HelloOffers.Classes(CipherSuites.Tls12);

        Assert.Equal(CipherSuites.Tls12.OrderBy(suite => suite.Value), classes.SelectMany(suites => suites).OrderBy(suite => suite.Value));
    }

    /// <summary>By an example of each class, in the order in which they are asked for.</summary>
    [Fact]
    public void The_worst_come_first_and_primes_are_apart()
    {
        string[] examples =
        [
            "TLS_RSA_WITH_RC4_128_SHA", "TLS_DHE_RSA_WITH_3DES_EDE_CBC_SHA", "TLS_RSA_WITH_AES_256_GCM_SHA384", "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA",
            "TLS_DHE_RSA_WITH_AES_256_GCM_SHA384", "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
        ];

        var classes = HelloOffers.Classes(CipherSuites.Tls12);

        Assert.Equal(examples.Length, classes.Length);
        Assert.All(examples.Zip(classes), pair => Assert.Contains(pair.Second, suite => suite.Name == pair.First));
        Assert.All(classes, suites => Assert.Single(suites.Select(suite => suite.KeyExchange is KeyExchange.Dhe).Distinct()));
    }

    [Fact]
    public void No_list_is_longer_than_servers_take()
    {
        Assert.InRange(HelloOffers.StrongFirst.Length, 20, HelloOffers.MostSuites);
        Assert.InRange(HelloOffers.Weak.Length, 40, HelloOffers.MostSuites);
        Assert.InRange(HelloOffers.Older.Length, 20, HelloOffers.MostSuites);
    }

    [Theory]
    [InlineData("_NULL_")]
    [InlineData("_anon_")]
    [InlineData("_EXPORT_")]
    [InlineData("_RC4_128_SHA")]
    [InlineData("_RC4_128_MD5")]
    [InlineData("_3DES_")]
    [InlineData("_DES_CBC_")]
    [InlineData("_SEED_")]
    [InlineData("_IDEA_")]
    [InlineData("TLS_RSA_WITH_AES_256_GCM")]
    [InlineData("TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA")]
    public void Each_weak_kind_is_asked_for_in_one_hello(string part) =>
        Assert.Contains(HelloOffers.Weak, suite => suite.Name.Contains(part, StringComparison.Ordinal));

    [Fact]
    public void Neither_order_begins_with_ChaCha20() =>
        Assert.Equal(("TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", "NULL"), (HelloOffers.StrongFirst[0].Name, HelloOffers.WeakFirst[0].Encryption));
}
