using System.Buffers;
using System.Globalization;
using System.Text;
using Hopseal.Smtp.Wire;

namespace Hopseal.Smtp.Mail;

/// <summary>An address of the type <c>utf-8</c> as ORCPT and delivery reports write it (RFC 6533 §3): characters that could not
/// travel become <c>\x{…}</c>, with the hexadecimal number of the character.</summary>
public static class UnicodeAddress
{
    const int MaxHexDigits = 6;

    /// <summary>QCHAR of RFC 6533 §3: visible ASCII without <c>+</c>, <c>=</c> and <c>\</c>.</summary>
    static readonly SearchValues<byte> s_plain = SearchValues.Create(
        "!\"#$%&'()*,-./0123456789:;<>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[]^_`abcdefghijklmnopqrstuvwxyz{|}~"u8);

    static readonly SearchValues<byte> s_digits = SearchValues.Create("0123456789ABCDEF"u8);

    /// <summary>utf-8-addr-xtext: ASCII, whatever the address holds.</summary>
    public static string ToAscii(string address) => Encode(address, ascii: true);

    /// <summary>utf-8-addr-unitext: characters beyond ASCII as they are.</summary>
    public static string ToUnicode(string address) => Encode(address, ascii: false);

    /// <summary>Reads either form. Refuses what RFC 6533 §3 does not allow, and control characters in any form, which could forge a
    /// line of a report.</summary>
    /// <param name="text">Valid UTF-8.</param>
    public static bool TryRead(ReadOnlySpan<byte> text, out string address)
    {
        address = "";
        var read = new StringBuilder(text.Length);
        while (!text.IsEmpty)
        {
            var plain = text.IndexOfAnyExcept(s_plain);
            read.Append(Encoding.ASCII.GetString(plain < 0 ? text : text[..plain]));
            text = plain < 0 ? default : text[plain..];
            if (!text.IsEmpty && !TryReadOne(ref text, read))
            {
                return false;
            }
        }

        address = read.ToString();
        return address.Length > 0;
    }

    static bool TryReadOne(ref ReadOnlySpan<byte> text, StringBuilder read)
    {
        Rune rune;
        if (text[0] == '\\')
        {
            if (!TryReadEscape(ref text, out rune))
            {
                return false;
            }
        }
        else if (text[0] < 0x80 || Rune.DecodeFromUtf8(text, out rune, out var octets) is not OperationStatus.Done)
        {
            return false;
        }
        else
        {
            text = text[octets..];
        }

        read.Append(rune.ToString());
        return !Xtext.CouldEndALine(rune);
    }

    /// <summary><c>\x{E9}</c>: two to six digits in upper case without leading zeros; of ASCII, only what cannot stand for itself.</summary>
    static bool TryReadEscape(ref ReadOnlySpan<byte> text, out Rune rune)
    {
        rune = default;
        var end = text.IndexOf((byte)'}');
        if (!text.StartsWith("\\x{"u8) || end is < 5 or > 3 + MaxHexDigits)
        {
            return false;
        }

        var digits = text[3..end];
        text = text[(end + 1)..];
        return !digits.ContainsAnyExcept(s_digits)
            && digits[0] != '0'
            && Rune.TryCreate(int.Parse(digits, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture), out rune)
            && (!rune.IsAscii || rune.Value is ' ' or '+' or '=' or '\\');
    }

    static string Encode(string address, bool ascii)
    {
        var text = new StringBuilder(address.Length);
        foreach (var rune in address.EnumerateRunes())
        {
            if (rune.IsAscii ? s_plain.Contains((byte)rune.Value) : !ascii)
            {
                text.Append(rune.ToString());
            }
            else
            {
                text.Append(CultureInfo.InvariantCulture, $"\\x{{{rune.Value:X2}}}");
            }
        }

        return text.ToString();
    }
}
