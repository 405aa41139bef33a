using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Unicode;

namespace Hopseal.Smtp.Wire;

/// <summary>xtext, in which the values of ENVID and ORCPT travel (RFC 3461 §4): <c>+</c> and two digits stand for an octet that a
/// parameter may not hold.</summary>
static class Xtext
{
    const byte FirstPrintable = 0x20;
    const byte LastPrintable = 0x7E;

    /// <summary>xchar: visible ASCII without <c>+</c> and <c>=</c>.</summary>
    static readonly SearchValues<byte> s_plain = SearchValues.Create(
        "!\"#$%&'()*,-./0123456789:;<>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`abcdefghijklmnopqrstuvwxyz{|}~"u8);

    static readonly SearchValues<byte> s_digits = SearchValues.Create("0123456789ABCDEF"u8);

    /// <summary>Refuses what is not xtext, and values with anything but printable ASCII (RFC 3461 §4.2, §4.4): nothing that could forge a
    /// line of a report.</summary>
    public static bool TryRead(ReadOnlySpan<byte> text, out string value) =>
        TryReadUtf8(text, out value) && value.AsSpan().IndexOfAnyExceptInRange((char)FirstPrintable, (char)LastPrintable) < 0;

    /// <summary>As <see cref="TryRead"/>, but the octets may be UTF-8 beyond ASCII: RFC 3461 has no such values, and Postfix writes them
    /// for addresses that need SMTPUTF8.</summary>
    public static bool TryReadUtf8(ReadOnlySpan<byte> text, out string value)
    {
        value = "";
        var read = new ArrayBufferWriter<byte>(Math.Max(text.Length, 1));
        while (!text.IsEmpty)
        {
            if (s_plain.Contains(text[0]))
            {
                read.Write(text[..1]);
                text = text[1..];
            }
            else if (TryReadHex(text, out var octet))
            {
                read.Write([octet]);
                text = text[3..];
            }
            else
            {
                return false;
            }
        }

        if (!Utf8.IsValid(read.WrittenSpan))
        {
            return false;
        }

        value = Encoding.UTF8.GetString(read.WrittenSpan);
        return !value.EnumerateRunes().Any(CouldEndALine);
    }

    /// <summary>Whether a character could end a line of a report, and so forge the next one.</summary>
    public static bool CouldEndALine(Rune rune) =>
        Rune.GetUnicodeCategory(rune) is UnicodeCategory.Control or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator;

    /// <param name="value">Printable ASCII.</param>
    public static string Write(string value)
    {
        var text = new StringBuilder(value.Length);
        foreach (var character in value)
        {
            if (char.IsAscii(character) && s_plain.Contains((byte)character))
            {
                text.Append(character);
            }
            else
            {
                text.Append('+').Append(Convert.ToHexString([checked((byte)character)]));
            }
        }

        return text.ToString();
    }

    /// <summary>The digits are in upper case.</summary>
    static bool TryReadHex(ReadOnlySpan<byte> text, out byte octet)
    {
        octet = 0;
        if (text.Length < 3 || text[0] != '+' || text[1..3].ContainsAnyExcept(s_digits))
        {
            return false;
        }

        Span<byte> decoded = stackalloc byte[1];
        if (Convert.FromHexString(text[1..3], decoded, out _, out _) is not OperationStatus.Done)
        {
            return false;
        }

        octet = decoded[0];
        return true;
    }
}
