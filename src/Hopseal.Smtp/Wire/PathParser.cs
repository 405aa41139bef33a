using System.Buffers;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Unicode;
using Hopseal.Dns;
using Hopseal.Smtp.Mail;

namespace Hopseal.Smtp.Wire;

/// <summary>Reads one path of MAIL or RCPT (RFC 5321 §4.1.2, with the UTF-8 of RFC 6531 §3.3).</summary>
/// <remarks>A source route is read and dropped (RFC 5321 appendix C), so that whatever decides about relaying sees the
/// mailbox alone and never <c>@our-domain:victim@elsewhere</c>.</remarks>
static class PathParser
{
    const int MaxPathOctets = 256; // RFC 5321 §4.5.3.1.3, angle brackets and route included
    const int MaxDomainOctets = 255; // RFC 5321 §4.5.3.1.2
    const int MaxLocalPartOctets = 64; // RFC 5321 §4.5.3.1.1

    static readonly SearchValues<byte> s_atom =
        SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!#$%&'*+-/=?^_`{|}~"u8);

    /// <summary>Reads the path at the start of <paramref name="text"/>, which may be followed by anything.</summary>
    /// <param name="mailbox">Null for <c>&lt;&gt;</c>, and for <c>&lt;Postmaster&gt;</c>.</param>
    /// <param name="isPostmaster">The path was <c>&lt;Postmaster&gt;</c> in any case, without a domain.</param>
    /// <param name="length">How many octets it took.</param>
    public static bool TryParse(ReadOnlySpan<byte> text, out Mailbox? mailbox, out bool isPostmaster, out int length)
    {
        mailbox = null;
        isPostmaster = false;
        length = EndOfPath(text);
        if (length is 0 or > MaxPathOctets)
        {
            return false;
        }

        var path = text[1..(length - 1)];
        if (path.IsEmpty)
        {
            return true;
        }

        if (!Utf8.IsValid(path) || !TrySkipRoute(ref path))
        {
            return false;
        }

        if (Ascii.EqualsIgnoreCase(path, "postmaster"u8))
        {
            isPostmaster = true;
            return true;
        }

        return TryParseMailbox(path, out mailbox);
    }

    /// <summary>The octets up to the closing bracket, which a quoted local part may also hold; 0 if there is none.</summary>
    static int EndOfPath(ReadOnlySpan<byte> text)
    {
        if (text.IsEmpty || text[0] != '<')
        {
            return 0;
        }

        var quoted = false;
        for (var i = 1; i < text.Length; i++)
        {
            switch (text[i])
            {
                case (byte)'\\' when quoted:
                    i++;
                    break;
                case (byte)'"':
                    quoted = !quoted;
                    break;
                case (byte)'>' when !quoted:
                    return i + 1;
            }
        }

        return 0;
    }

    /// <summary><c>@a.example,@b.example:</c></summary>
    static bool TrySkipRoute(ref ReadOnlySpan<byte> path)
    {
        if (path[0] != '@')
        {
            return true;
        }

        var colon = path.IndexOf((byte)':');
        if (colon < 0)
        {
            return false;
        }

        foreach (var range in path[..colon].Split((byte)','))
        {
            var hop = path[range];
            if (hop.IsEmpty || hop[0] != '@' || !TryParseDomain(hop[1..], out _, out _))
            {
                return false;
            }
        }

        path = path[(colon + 1)..];
        return !path.IsEmpty;
    }

    static bool TryParseMailbox(ReadOnlySpan<byte> text, out Mailbox? mailbox)
    {
        mailbox = null;
        var at = text[0] == '"' ? EndOfQuotedString(text) : text.IndexOf((byte)'@');
        if (at is <= 0 or > MaxLocalPartOctets || at >= text.Length - 1 || text[at] != '@')
        {
            return false;
        }

        var local = text[..at];
        if (local[0] != '"' && !IsDotString(local))
        {
            return false;
        }

        var rest = text[(at + 1)..];
        var localPart = Encoding.UTF8.GetString(local);
        if (HasControls(localPart))
        {
            return false;
        }

        if (rest[0] == '[')
        {
            if (!IsAddressLiteral(rest))
            {
                return false;
            }

            mailbox = new Mailbox(localPart, null, Encoding.ASCII.GetString(rest));
            return true;
        }

        if (!TryParseDomain(rest, out var domain, out var unicode))
        {
            return false;
        }

        mailbox = new Mailbox(localPart, domain, null, unicode);
        return true;
    }

    static bool IsDotString(ReadOnlySpan<byte> local)
    {
        foreach (var range in local.Split((byte)'.'))
        {
            var atom = local[range];
            if (atom.IsEmpty)
            {
                return false;
            }

            foreach (var octet in atom)
            {
                if (octet < 0x80 && !s_atom.Contains(octet))
                {
                    return false;
                }
            }
        }

        return true;
    }

    /// <summary>The position behind the closing quote; 0 if this is no quoted string.</summary>
    static int EndOfQuotedString(ReadOnlySpan<byte> text)
    {
        for (var i = 1; i < text.Length; i++)
        {
            switch (text[i])
            {
                case (byte)'"':
                    return i + 1;
                case (byte)'\\':
                    if (++i >= text.Length || text[i] is < 0x20 or > 0x7E)
                    {
                        return 0;
                    }

                    break;
                case < 0x20 or 0x7F:
                    return 0;
            }
        }

        return 0;
    }

    /// <summary><paramref name="unicode"/> is what the client wrote where that was not ASCII. Otherwise the name is kept in
    /// its one canonical form: case says nothing in a domain (RFC 5321 §2.4).</summary>
    static bool TryParseDomain(ReadOnlySpan<byte> text, out DomainName? domain, out string? unicode)
    {
        domain = null;
        unicode = null;
        if (text.IsEmpty || text.Length > MaxDomainOctets)
        {
            return false;
        }

        var written = Encoding.UTF8.GetString(text);
        if (HasControls(written) || !DomainName.TryParse(written, out domain))
        {
            return false;
        }

        unicode = Ascii.IsValid(written) ? null : written;
        return true;
    }

    /// <summary>RFC 5321 §4.1.3: <c>[192.0.2.1]</c> or <c>[IPv6:2001:db8::1]</c>. No other tag was ever registered.</summary>
    static bool IsAddressLiteral(ReadOnlySpan<byte> text)
    {
        if (text[^1] != ']')
        {
            return false;
        }

        var inner = text[1..^1];
        return inner.Length >= 5 && Ascii.EqualsIgnoreCase(inner[..5], "IPv6:"u8)
            ? IsIPv6(inner[5..])
            : IsDottedQuad(inner);
    }

    static bool IsIPv6(ReadOnlySpan<byte> text)
    {
        foreach (var octet in text)
        {
            if (!char.IsAsciiHexDigit((char)octet) && octet is not ((byte)':' or (byte)'.'))
            {
                return false;
            }
        }

        return IPAddress.TryParse(Encoding.ASCII.GetString(text), out var address)
            && address.AddressFamily is AddressFamily.InterNetworkV6;
    }

    /// <summary>Four decimal numbers. The runtime's own parser takes octal, hexadecimal and shortened forms as well.</summary>
    static bool IsDottedQuad(ReadOnlySpan<byte> text)
    {
        var numbers = 0;
        foreach (var range in text.Split((byte)'.'))
        {
            var number = text[range];
            if (number.Length is 0 or > 3
                || number.IndexOfAnyExceptInRange((byte)'0', (byte)'9') >= 0
                || (number.Length > 1 && number[0] == '0')
                || !byte.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out _))
            {
                return false;
            }

            numbers++;
        }

        return numbers == 4;
    }

    /// <summary>C1 controls and Unicode line ends: the grammar of RFC 6531 §3.3 lets them through, and they have no place in
    /// an address that is written to logs and headers.</summary>
    static bool HasControls(string text)
    {
        foreach (var character in text)
        {
            if (char.IsControl(character) || character is '\u2028' or '\u2029')
            {
                return true;
            }
        }

        return false;
    }
}
