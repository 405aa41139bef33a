namespace Hopseal.Smtp.Wire;

/// <summary>An enhanced mail system status code (RFC 3463 §2), for example 5.7.1.</summary>
/// <param name="Class">2, 4 or 5.</param>
/// <param name="Subject">0 to 999.</param>
/// <param name="Detail">0 to 999.</param>
public readonly record struct EnhancedStatus(byte Class, ushort Subject, ushort Detail)
{
    public override string ToString() => $"{Class}.{Subject}.{Detail}";

    /// <summary>Reads a code at the start of a reply's text; <paramref name="length"/> is how many characters it took.</summary>
    public static bool TryParsePrefix(ReadOnlySpan<char> text, out EnhancedStatus status, out int length)
    {
        status = default;
        length = 0;
        if (text.Length < 5 || text[0] is not ('2' or '4' or '5') || text[1] != '.')
        {
            return false;
        }

        var position = 2;
        if (!TryNumber(text, ref position, out var subject) || position >= text.Length || text[position++] != '.'
            || !TryNumber(text, ref position, out var detail) || (position < text.Length && text[position] != ' '))
        {
            return false;
        }

        status = new EnhancedStatus((byte)(text[0] - '0'), subject, detail);
        length = position;
        return true;
    }

    static bool TryNumber(ReadOnlySpan<char> text, ref int position, out ushort value)
    {
        var start = position;
        value = 0;
        while (position < text.Length && position - start < 3 && char.IsAsciiDigit(text[position]))
        {
            value = (ushort)((value * 10) + (text[position++] - '0'));
        }

        return position > start;
    }
}
