using Hopseal.Audit.Profiles;

namespace Hopseal.Audit.Tests.Profiles;

public sealed class ProfileTests
{
    /// <summary>From the tables of NCSC-NL 2025-05, as Internet.nl applies them.</summary>
    [Theory]
    [InlineData("TLS_AES_256_GCM_SHA384", Grade.Good)]
    [InlineData("TLS_AES_128_GCM_SHA256", Grade.Sufficient)]
    [InlineData("TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", Grade.Sufficient)]
    [InlineData("TLS_ECDHE_ECDSA_WITH_AES_128_CCM", Grade.Sufficient)]
    [InlineData("TLS_ECDHE_ECDSA_WITH_AES_128_CCM_8", Grade.Insufficient)]
    [InlineData("TLS_DHE_RSA_WITH_AES_128_CCM_8", Grade.Insufficient)]
    [InlineData("TLS_AES_128_CCM_8_SHA256", Grade.Insufficient)]
    [InlineData("TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384", Grade.PhaseOut)]
    [InlineData("TLS_ECDHE_RSA_WITH_CAMELLIA_128_CBC_SHA256", Grade.PhaseOut)]
    [InlineData("TLS_DHE_RSA_WITH_AES_256_GCM_SHA384", Grade.PhaseOut)]
    [InlineData("TLS_DHE_RSA_WITH_AES_256_CBC_SHA256", Grade.PhaseOut)]
    [InlineData("TLS_DHE_RSA_WITH_AES_256_CBC_SHA", Grade.Insufficient)]
    [InlineData("TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA", Grade.Insufficient)]
    [InlineData("TLS_RSA_WITH_AES_128_GCM_SHA256", Grade.Insufficient)]
    public void Suites_are_graded_as_the_guideline_says(string suite, Grade grade) => Assert.Equal(grade, Profile.Named("ncsc-nl-2025-05").GradeOfSuite(suite));

    [Theory]
    [InlineData("x25519", Grade.Good)]
    [InlineData("secp224r1", Grade.PhaseOut)]
    [InlineData("ffdhe4096", Grade.PhaseOut)]
    [InlineData("ffdhe2048", Grade.Insufficient)]
    [InlineData("X25519MLKEM768", Grade.Good)]
    public void Groups_are_graded_as_the_guideline_says(string group, Grade grade) => Assert.Equal(grade, Profile.Named("ncsc-nl-2025-05").GradeOfGroup(group));

    [Fact]
    public void Every_built_in_profile_can_be_read() => Assert.All(Profile.BuiltIn, name => Assert.Equal(name, Profile.Named(name).Name));

    [Theory]
    [InlineData("null")]
    [InlineData("{}")]
    [InlineData("{\"nmae\":\"x\"}")]
    [InlineData("[1,2]")]
    public void What_is_no_profile_is_refused(string json) => Assert.Throws<InvalidDataException>(() => Profile.Parse(json));
}
