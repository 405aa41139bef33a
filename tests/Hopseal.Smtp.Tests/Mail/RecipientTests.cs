using Hopseal.Dns;
using Hopseal.Smtp.Mail;

namespace Hopseal.Smtp.Tests.Mail;

public sealed class RecipientTests
{
    [Theory]
    [InlineData("rfc822", "Bob+x@Example.org", "rfc822;Bob+x@Example.org")]
    [InlineData("x400", "/S=bob/", "x400;/S=bob/")]
    [InlineData("utf-8", "jörg@example.org", @"utf-8;j\x{F6}rg@example.org")]
    [InlineData("UTF-8", "jörg@example.org", @"UTF-8;j\x{F6}rg@example.org")]
    public void An_original_recipient_is_written_in_ascii(string type, string address, string text) =>
        Assert.Equal(text, new OriginalRecipient(type, address).ToString());

    [Theory]
    [InlineData("bob", "rfc822;bob@example.org")]
    [InlineData("jörg", @"utf-8;j\x{F6}rg@example.org")]
    public void A_mailbox_has_the_type_it_needs(string local, string text) =>
        Assert.Equal(text, OriginalRecipient.Of(new Mailbox(local, DomainName.Parse("example.org"))).ToString());
}
