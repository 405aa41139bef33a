using System.Buffers;
using System.Text;

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
    public static bool TryRead(ReadOnlySpan<byte> text, out string value)
    {
        value = "";
        var read = new StringBuilder(text.Length);
        while (!text.IsEmpty)
        {
            if (s_plain.Contains(text[0]))
            {
                read.Append((char)text[0]);
                text = text[1..];
            }
            else if (TryReadHex(text, out var octet))
            {
                read.Append((char)octet);
                text = text[3..];
            }
            else
            {
                return false;
            }
        }

        value = read.ToString();
        return true;
    }

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
        return octet is >= FirstPrintable and <= LastPrintable;
    }
}
