using System.Diagnostics.CodeAnalysis;
using Hopseal.Dns;
using Hopseal.Relay.Queue;
using Hopseal.Smtp.Mail;

namespace Hopseal.Relay.Stores.Sqlite;

/// <summary>A mailbox in one column, as it goes between angle brackets, and back without loss.</summary>
static class MailboxText
{
    /// <exception cref="QueueStoreException">The text was not written by this program.</exception>
    public static Mailbox Read(string text) => TryRead(text, out var mailbox)
        ? mailbox
        : throw new QueueStoreException($"the queue's database holds an address that is none: {text}");

    /// <summary>Whether a mailbox would come back.</summary>
    public static bool CanRead(Mailbox mailbox) => TryRead(mailbox.ToString(), out _);

    /// <summary>The domain that entries are made per: lower case, or an address literal.</summary>
    public static string EntryDomain(this Mailbox mailbox) => mailbox.Domain?.Ascii ?? mailbox.AddressLiteral ?? "";

    static bool TryRead(string text, [NotNullWhen(true)] out Mailbox? mailbox)
    {
        mailbox = null;

        // A local part may hold an @ in quotes, a domain or a literal never does.
        var at = text.LastIndexOf('@');
        if (at < 1)
        {
            return false;
        }

        var domain = text[(at + 1)..];
        if (domain.Length == 0 || domain[0] == '[')
        {
            mailbox = new Mailbox(text[..at], null, domain.Length == 0 ? null : domain);
        }
        else if (DomainName.TryParse(domain, out var name))
        {
            mailbox = new Mailbox(text[..at], name, DomainText: domain == name.Ascii ? null : domain);
        }

        return mailbox is not null;
    }
}
