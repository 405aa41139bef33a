using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Text;
using Hopseal.Configuration;
using Hopseal.Dns;
using Hopseal.Policy;
using Hopseal.Smtp.Mail;

namespace Hopseal.Commands;

/// <summary>An address of the command line, with or without angle brackets.</summary>
static class AddressArgument
{
    const int MostLocalOctets = 64;

    static readonly SearchValues<char> s_specials = SearchValues.Create(" <>()[]:;@\\,\"");

    /// <exception cref="UsageException">It is none.</exception>
    public static Mailbox Parse(string text) =>
        TryParse(text, out var mailbox) ? mailbox : throw new UsageException($"{Shown.Text(text)} is not an address");

    public static bool TryParse(string text, [NotNullWhen(true)] out Mailbox? mailbox)
    {
        mailbox = null;
        var bare = text.StartsWith('<') && text.EndsWith('>') ? text[1..^1] : text;
        var at = bare.LastIndexOf('@');
        var local = at < 0 ? "" : bare[..at];
        if (local.Length > 0 && Encoding.UTF8.GetByteCount(local) <= MostLocalOctets && IsLocalPart(local))
        {
            var domain = bare[(at + 1)..];
            if (DomainName.TryParse(domain, out var name))
            {
                mailbox = new Mailbox(local, name, DomainText: Ascii.IsValid(domain) ? null : domain);
            }
            else if (domain.StartsWith('[') && OperatorRules.IsDestination(domain))
            {
                mailbox = new Mailbox(local, null, domain);
            }
        }

        return mailbox is not null;
    }

    /// <summary>A dot-string or a quoted string (RFC 5321 §4.1.2, RFC 6531 §3.3), checked as far as the line that carries it could break.</summary>
    static bool IsLocalPart(string local)
    {
        if (local.Any(char.IsControl))
        {
            return false;
        }

        if (local is ['"', .. var quoted, '"'])
        {
            // Every quote and backslash inside stands behind a backslash.
            return !quoted.Replace("\\\\", "", StringComparison.Ordinal).Replace("\\\"", "", StringComparison.Ordinal).AsSpan().ContainsAny('"', '\\');
        }

        return local.Split('.').All(atom => atom.Length > 0) && !local.AsSpan().ContainsAny(s_specials);
    }
}
