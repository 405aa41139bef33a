using System.Net.Security;
using Hopseal.Audit.Hello;

namespace Hopseal.Audit.Tests.Hello;

public sealed class CipherSuitesTests
{
    /// <summary>The platform has the registry too, in its own words.</summary>
    [Fact]
    public void A_suite_that_the_platform_knows_has_the_same_number_and_name_here()
    {
        var known = CipherSuites.All.Where(suite => Enum.IsDefined((TlsCipherSuite)suite.Value)).ToList();

        Assert.True(known.Count > 190, $"only {known.Count}");
        Assert.All(known, suite => Assert.Equal(((TlsCipherSuite)suite.Value).ToString(), suite.Name, ignoreCase: true));
    }

    [Fact]
    public void Nothing_that_the_platform_knows_is_missing_but_what_needs_a_shared_secret()
    {
        var missing = Enum.GetValues<TlsCipherSuite>()
            .Where(suite => CipherSuites.Find((int)suite) is null)
            .Select(suite => suite.ToString())
            .Where(name => !name.Contains("PSK", StringComparison.Ordinal) && !name.Contains("KRB5", StringComparison.Ordinal)
                && !name.Contains("SRP", StringComparison.Ordinal) && !name.Contains("ECCPWD", StringComparison.Ordinal));

        Assert.Equal(["TLS_NULL_WITH_NULL_NULL"], missing);
    }

    [Theory]
    [InlineData("TLS_AES_256_GCM_SHA384", KeyExchange.Any, SuiteAuthentication.Any, "AES_256_GCM", "SHA384", 256)]
    [InlineData("TLS_AES_128_CCM_8_SHA256", KeyExchange.Any, SuiteAuthentication.Any, "AES_128_CCM_8", "SHA256", 128)]
    [InlineData("TLS_SHA256_SHA256", KeyExchange.Any, SuiteAuthentication.Any, "NULL", "SHA256", 0)]
    [InlineData("TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256", KeyExchange.Ecdhe, SuiteAuthentication.Rsa, "CHACHA20_POLY1305", "SHA256", 256)]
    [InlineData("TLS_DHE_RSA_WITH_AES_128_CBC_SHA", KeyExchange.Dhe, SuiteAuthentication.Rsa, "AES_128_CBC", "SHA", 128)]
    [InlineData("TLS_DH_anon_WITH_3DES_EDE_CBC_SHA", KeyExchange.Dhe, SuiteAuthentication.None, "3DES_EDE_CBC", "SHA", 112)]
    [InlineData("TLS_DH_DSS_WITH_DES_CBC_SHA", KeyExchange.StaticDh, SuiteAuthentication.Dss, "DES_CBC", "SHA", 56)]
    [InlineData("TLS_ECDH_ECDSA_WITH_RC4_128_SHA", KeyExchange.StaticEcdh, SuiteAuthentication.Ecdsa, "RC4_128", "SHA", 128)]
    [InlineData("TLS_RSA_EXPORT_WITH_RC2_CBC_40_MD5", KeyExchange.Rsa, SuiteAuthentication.Rsa, "RC2_CBC_40", "MD5", 40)]
    [InlineData("TLS_ECDHE_ECDSA_WITH_AES_256_CCM", KeyExchange.Ecdhe, SuiteAuthentication.Ecdsa, "AES_256_CCM", "", 256)]
    [InlineData("TLS_RSA_WITH_NULL_SHA256", KeyExchange.Rsa, SuiteAuthentication.Rsa, "NULL", "SHA256", 0)]
    public void A_name_says_what_a_suite_is_made_of(
        string name, KeyExchange exchange, SuiteAuthentication authentication, string encryption, string mac, int bits)
    {
        var suite = Assert.Single(CipherSuites.All, suite => suite.Name == name);

        Assert.Equal((exchange, authentication, encryption, mac, bits), (suite.KeyExchange, suite.Authentication, suite.Encryption, suite.Mac, suite.Bits));
    }

    [Fact]
    public void An_unknown_suite_is_named_by_its_number() => Assert.Equal("0xFAFA", CipherSuites.NameOf(0xFAFA));
}
