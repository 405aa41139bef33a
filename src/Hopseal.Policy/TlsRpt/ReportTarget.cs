using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Text;
using Hopseal.Dns;
using Hopseal.Smtp.Mail;

namespace Hopseal.Policy.TlsRpt;

/// <summary>One place that a domain wants reports sent to: a URI of <c>rua</c> (RFC 8460 §3).</summary>
public abstract record ReportTarget
{
    const int MaxCharacters = 1024;
    const int MaxLocalPart = 64;
    const string MailScheme = "mailto:";

    static readonly SearchValues<char> s_atom =
        SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!#$%&'*+-/=?^_`{|}~.");

    // RFC 3986 §2, less what separates URIs and fields of a record (RFC 8460 §3).
    static readonly SearchValues<char> s_uri =
        SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~:/?#[]@$&'()*+=%");

    ReportTarget()
    {
    }

    /// <summary>A message to this address (RFC 8460 §5.3).</summary>
    public sealed record Mail(Mailbox Address) : ReportTarget
    {
        public override string ToString() => $"{MailScheme}{Uri.EscapeDataString(Address.LocalPart)}@{Address.Domain}";
    }

    /// <summary>A POST to this address (RFC 8460 §5.4). Nothing is known of the host: it may be any, a private one too.</summary>
    public sealed record Https(Uri Address) : ReportTarget
    {
        public override string ToString() => Encoded(Address.AbsoluteUri);
    }

    /// <summary>Of a <c>mailto</c> with header fields (RFC 6068 §2) the fields are left out: what a report says is not the receiver's to
    /// choose.</summary>
    /// <param name="uri">Without white space around it.</param>
    /// <param name="why">For people, set where it cannot be used.</param>
    public static bool TryParse(string uri, [NotNullWhen(true)] out ReportTarget? target, [NotNullWhen(false)] out string? why)
    {
        ArgumentNullException.ThrowIfNull(uri);
        (target, why) = Parse(uri);
        return target is not null;
    }

    static (ReportTarget? Target, string? Why) Parse(string uri)
    {
        if (uri.Length is 0 or > MaxCharacters || uri.AsSpan().ContainsAnyExcept(s_uri))
        {
            return (null, "it is empty or too long, or holds a character that has to be encoded");
        }

        if (uri.StartsWith(MailScheme, StringComparison.OrdinalIgnoreCase))
        {
            return TryParseAddress(uri.AsSpan(MailScheme.Length), out var address)
                ? (new Mail(address), null)
                : (null, "it is not one mail address");
        }

        if (!Uri.TryCreate(uri, UriKind.Absolute, out var parsed) || parsed.Scheme != Uri.UriSchemeHttps)
        {
            return (null, "it is neither mailto nor https");
        }

        return parsed.Host.Length > 0 && parsed.UserInfo.Length == 0 && parsed.Fragment.Length == 0
            ? (new Https(parsed), null)
            : (null, "it has no host, or it has a user or a fragment");
    }

    static bool TryParseAddress(ReadOnlySpan<char> addressAndFields, [NotNullWhen(true)] out Mailbox? address)
    {
        address = null;
        var fields = addressAndFields.IndexOf('?');
        var bare = Uri.UnescapeDataString(fields < 0 ? addressAndFields : addressAndFields[..fields]);
        var at = bare.LastIndexOf('@');
        var local = at < 0 ? "" : bare[..at];
        if (local.Length is 0 or > MaxLocalPart
            || local.AsSpan().ContainsAnyExcept(s_atom)
            || local.Split('.').Any(atom => atom.Length == 0)
            || !DomainName.TryParse(bare.AsSpan(at + 1), out var domain))
        {
            return false;
        }

        address = new Mailbox(local, domain);
        return true;
    }

    /// <summary>What separates URIs and fields of a record must not stand in one.</summary>
    static string Encoded(string uri)
    {
        var encoded = new StringBuilder(uri.Length);
        foreach (var character in uri)
        {
            _ = character switch
            {
                ',' => encoded.Append("%2C"),
                ';' => encoded.Append("%3B"),
                '!' => encoded.Append("%21"),
                _ => encoded.Append(character),
            };
        }

        return encoded.ToString();
    }
}
