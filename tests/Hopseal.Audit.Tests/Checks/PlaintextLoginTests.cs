using Hopseal.Audit.Checks;

namespace Hopseal.Audit.Tests.Checks;

public sealed class PlaintextLoginTests
{
    [Theory]
    [InlineData("smtp", "PIPELINING|STARTTLS", null)]
    [InlineData("smtp", "STARTTLS|AUTH PLAIN LOGIN", "AUTH PLAIN LOGIN")]
    [InlineData("submission", "AUTH CRAM-MD5", "AUTH CRAM-MD5")]
    [InlineData("imap", "IMAP4rev1|STARTTLS|LOGINDISABLED", null)]
    [InlineData("imap", "IMAP4rev1|STARTTLS|LOGINDISABLED|AUTH=EXTERNAL", null)]
    [InlineData("imap", "IMAP4rev1|STARTTLS|AUTH=PLAIN", "AUTH=PLAIN")]
    [InlineData("imap", "IMAP4rev1|STARTTLS", "LOGIN, as LOGINDISABLED is not there")]
    [InlineData("imap", "", null)]
    [InlineData("pop3", "STLS|UIDL|SASL", null)]
    [InlineData("pop3", "STLS|USER", "USER")]
    [InlineData("pop3", "STLS|SASL PLAIN", "SASL PLAIN")]
    [InlineData("sieve", "IMPLEMENTATION x|SASL|STARTTLS", null)]
    [InlineData("sieve", "IMPLEMENTATION x|SASL PLAIN LOGIN|STARTTLS", "SASL PLAIN LOGIN")]
    public void A_login_before_tls_is_found_in_the_words_of_its_protocol(string protocol, string capabilities, string? expected) =>
        Assert.Equal(expected, PlaintextLogin.Offered(protocol, [.. capabilities.Split('|', StringSplitOptions.RemoveEmptyEntries)]));
}
