using Hopseal.Dns;
using Hopseal.Relay.Queue;
using Hopseal.Relay.Stores.Sqlite;
using Hopseal.Smtp.Mail;

namespace Hopseal.Relay.Tests.Stores.Sqlite;

public sealed class MailboxTextTests
{
    public static TheoryData<Mailbox, string> Mailboxes => new()
    {
        { new Mailbox("a", DomainName.Parse("example.org")), "example.org" },
        { new Mailbox("a", DomainName.Parse("example.org"), DomainText: "EXAMPLE.org"), "example.org" },
        { new Mailbox("\"a@b c\"", DomainName.Parse("example.org")), "example.org" },
        { new Mailbox("ü", DomainName.Parse("xn--bcher-kva.example"), DomainText: "bücher.example"), "xn--bcher-kva.example" },
        { new Mailbox("a", null, "[192.0.2.1]"), "[192.0.2.1]" },
        { new Mailbox("a", null, "[IPv6:2001:db8::1]"), "[IPv6:2001:db8::1]" },
        { new Mailbox("postmaster", null), "" },
    };

    [Theory]
    [MemberData(nameof(Mailboxes), DisableDiscoveryEnumeration = true)]
    public void A_mailbox_comes_back_as_it_was(Mailbox mailbox, string domain)
    {
        Assert.Equal(mailbox, MailboxText.Read(mailbox.ToString()));
        Assert.Equal(domain, mailbox.EntryDomain());
    }

    [Theory]
    [InlineData("")]
    [InlineData("nobody")]
    [InlineData("@example.org")]
    [InlineData("a@exa mple")]
    public void What_is_no_address_is_an_error(string text) =>
        Assert.Throws<QueueStoreException>(() => MailboxText.Read(text));
}
