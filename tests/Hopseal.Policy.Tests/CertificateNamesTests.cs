namespace Hopseal.Policy.Tests;

public sealed class CertificateNamesTests
{
    [Theory]
    [InlineData("mx.example.org", "mx.example.org", true)]
    [InlineData("mx.example.org", "MX.Example.ORG", true)]
    [InlineData("mx.example.org", "example.org", false)]
    [InlineData("mx.example.org", "mx.example.org.", false)]
    [InlineData("mx.example.org", "*.example.org", true)]
    [InlineData("a.mx.example.org", "*.example.org", false)]
    [InlineData("example.org", "*.example.org", false)]
    [InlineData("mx.example.org", "m*.example.org", false)]
    [InlineData("mx.example.org", "*x.example.org", false)]
    [InlineData("a.mx.example.org", "a.*.example.org", false)]
    [InlineData("mx.example.org", "*.*.org", false)]
    [InlineData("example.org", "*.org", false)]
    [InlineData("example.org", "*", false)]
    [InlineData("example.org", "*.", false)]
    [InlineData("example.org.", "*.org.", false)]
    [InlineData("xn--bcher-kva.example.org", "*.example.org", true)]
    [InlineData("xn--bcher-kva.example", "bücher.example", false)]
    [InlineData("mx.example.org", "", false)]
    [InlineData("*.example.org", "mx.example.org", true)]
    [InlineData("*.example.org", "a.mx.example.org", false)]
    [InlineData("*.example.org", "example.org", false)]
    [InlineData("*.example.org", "*.example.org", true)]
    [InlineData("*.example.org", "*.mx.example.org", false)]
    [InlineData("*.org", "*.example.org", false)]
    [InlineData("*.test", "mx.test", true)]
    public void A_certificate_is_for_a_name_or_for_one_label_under_one(string reference, string presented, bool match) =>
        Assert.Equal(match, CertificateNames.Match(reference, presented));
}
