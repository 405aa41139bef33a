using Hopseal.Audit.Targets;

namespace Hopseal.Audit.Tests.Targets;

public sealed class AuditTargetTests
{
    [Theory]
    [InlineData("Example.ORG", "example.org")]
    [InlineData("mx1.example.org:25", "smtp://mx1.example.org:25")]
    [InlineData("mx1.example.org:465", "smtps://mx1.example.org:465")]
    [InlineData("192.0.2.1", "smtp://192.0.2.1:25")]
    [InlineData("[2001:db8::1]:587", "submission://[2001:db8::1]:587")]
    [InlineData("2001:db8::1", "smtp://[2001:db8::1]:25")]
    [InlineData("imap://mail.example.org", "imap://mail.example.org:143")]
    [InlineData("SIEVE://mail.example.org:2000/", "sieve://mail.example.org:2000")]
    [InlineData("host.example:2525", "smtp://host.example:2525")]
    public void What_can_be_meant_is_read(string text, string target)
    {
        Assert.True(AuditTarget.TryParse(text, out var parsed, out _));
        Assert.Equal(target, parsed.ToString());
        Assert.True(AuditTarget.TryParse(target, out var again, out _));
        Assert.Equal(parsed, again);
    }

    [Theory]
    [InlineData("")]
    [InlineData("exa mple.org")]
    [InlineData("host.example:0")]
    [InlineData("host.example:65536")]
    [InlineData("host.example:x")]
    [InlineData("http://example.org")]
    [InlineData("smtp://")]
    public void What_cannot_be_meant_is_refused_with_a_reason(string text)
    {
        Assert.False(AuditTarget.TryParse(text, out _, out var why));
        Assert.NotEmpty(why);
    }
}
