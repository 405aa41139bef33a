using Hopseal.Dns;
using Hopseal.Relay.Queue;
using Hopseal.Smtp.Mail;

namespace Hopseal.Relay.Stores.Sqlite;

/// <summary>A mailbox in one column, as it goes between angle brackets, and back without loss.</summary>
static class MailboxText
{
    /// <exception cref="QueueStoreException">The text was not written by this program.</exception>
    public static Mailbox Read(string text)
    {
        // A local part may hold an @ in quotes, a domain or a literal never does.
        var at = text.LastIndexOf('@');
        var domain = text[(at + 1)..];
        if (at < 1)
        {
            throw new QueueStoreException($"the queue's database holds an address that is none: {text}");
        }

        if (domain.Length == 0 || domain[0] == '[')
        {
            return new Mailbox(text[..at], null, domain.Length == 0 ? null : domain);
        }

        return DomainName.TryParse(domain, out var name)
            ? new Mailbox(text[..at], name, DomainText: domain == name.Ascii ? null : domain)
            : throw new QueueStoreException($"the queue's database holds an address that is none: {text}");
    }

    /// <summary>The domain that entries are made per: lower case, or an address literal.</summary>
    public static string EntryDomain(this Mailbox mailbox) => mailbox.Domain?.Ascii ?? mailbox.AddressLiteral ?? "";
}
