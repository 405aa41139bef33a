using FsCheck.Xunit;
using Hopseal.Monitor.Changes;

namespace Hopseal.Monitor.Tests.Changes;

public sealed class IssuerNameTests
{
    [Theory]
    [InlineData("CN=R11, O=Let's Encrypt, C=US", "Let's Encrypt R11")]
    [InlineData("C=US, O=Let's Encrypt, CN=E7", "Let's Encrypt E7")]
    [InlineData("CN=DigiCert TLS RSA SHA256 2020 CA1, O=DigiCert, C=US", "DigiCert TLS RSA SHA256 2020 CA1")]
    [InlineData("CN=\"GoDaddy, Inc. G2\", O=\"GoDaddy.com, \"\"Inc.\"\"\"", "GoDaddy.com, \"Inc.\" GoDaddy, Inc. G2")]
    [InlineData("CN=mail", "mail")]
    [InlineData("O=Only", "Only")]
    [InlineData("OU=x", "OU=x")]
    [InlineData("", "")]
    [InlineData("O=\"never ends", "never ends")]
    public void An_authority_is_named_as_people_know_it(string name, string words) => Assert.Equal(words, IssuerName.Of(name));

    [Theory]
    [InlineData("CN=R11, O=Let's Encrypt, C=US", "CN=R12, O=Let's Encrypt, C=US", true)]
    [InlineData("CN=R11, O=Let's Encrypt, C=US", "CN=R11, O=Let's Not Encrypt, C=US", false)]
    [InlineData("CN=R11", "CN=R12", false)]
    [InlineData("CN=R11", "CN=R11", true)]
    [InlineData("CN=\"x, O=A\"", "CN=y, O=A", false)]
    public void The_organisation_says_whether_it_is_another_one(string one, string other, bool same) => Assert.Equal(same, IssuerName.IsSame(one, other));

    [Property]
    public bool Any_text_is_read_to_its_end(string one, string other) => IssuerName.IsSame(one ?? "", other ?? "") == IssuerName.IsSame(other ?? "", one ?? "") && IssuerName.Of(one ?? "") is not null;
}
