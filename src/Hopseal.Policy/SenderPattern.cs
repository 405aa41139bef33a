using System.Diagnostics.CodeAnalysis;
using Hopseal.Dns;
using Hopseal.Smtp.Mail;

namespace Hopseal.Policy;

/// <summary>Whose mail a rule is for: a mailbox (<c>boss@example.org</c>), every mailbox of a domain (<c>example.org</c> or
/// <c>@example.org</c>), or of every domain below one (<c>*.example.org</c>, at any depth). The null sender is none of them.</summary>
/// <param name="LocalPart">Null for every mailbox of the domain. Compared without regard to case: to take Boss for somebody else than boss
/// would let a demand be missed by a slip.</param>
/// <param name="Below">The domains below <paramref name="Domain"/> and not itself; then there is no <paramref name="LocalPart"/>.</param>
public sealed record SenderPattern(string? LocalPart, DomainName Domain, bool Below)
{
    public const string Forms = "a mailbox, a domain (with or without @ before it), or \"*.\" and a domain";

    const string BelowPrefix = "*.";
    const int MostLocalCharacters = 64; // RFC 5321 §4.5.3.1.1

    public static bool TryParse(string text, [NotNullWhen(true)] out SenderPattern? pattern)
    {
        ArgumentNullException.ThrowIfNull(text);
        pattern = null;
        var at = text.LastIndexOf('@');
        var local = at > 0 ? text[..at] : null;
        var below = at < 0 && text.StartsWith(BelowPrefix, StringComparison.Ordinal);
        if (local is not null && !IsLocalPart(local))
        {
            return false;
        }

        if (!DomainName.TryParse(below ? text.AsSpan(BelowPrefix.Length) : text.AsSpan(at + 1), out var domain))
        {
            return false;
        }

        pattern = new SenderPattern(local, domain, below);
        return true;
    }

    /// <param name="sender">Null for the null sender.</param>
    public bool Matches(Mailbox? sender) =>
        sender?.Domain is { } domain
        && (Below ? domain != Domain && domain.IsWithin(Domain) : domain == Domain)
        && (LocalPart is null || LocalPart.Equals(sender.LocalPart, StringComparison.OrdinalIgnoreCase));

    /// <summary>Whether every sender of the other is one of this, too.</summary>
    public bool Covers(SenderPattern other)
    {
        ArgumentNullException.ThrowIfNull(other);
        return LocalPart is not null ? other == this || IsSameMailbox(other)
            : Below ? other.Domain.IsWithin(Domain) && (other.Below || other.Domain != Domain)
            : !other.Below && other.Domain == Domain;
    }

    public override string ToString() => LocalPart is not null ? $"{LocalPart}@{Domain}" : Below ? BelowPrefix + Domain : $"@{Domain}";

    /// <summary>Not the whole grammar: no more than what would make a rule that can match nobody.</summary>
    static bool IsLocalPart(string local) =>
        local.Length <= MostLocalCharacters
        && !local.Any(c => char.IsControl(c) || c is '<' or '>')
        && (local[0] == '"' || local.AsSpan().IndexOfAny('@', ' ') < 0);

    bool IsSameMailbox(SenderPattern other) =>
        other.LocalPart is not null && other.Domain == Domain && other.LocalPart.Equals(LocalPart, StringComparison.OrdinalIgnoreCase);
}
