using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text;

namespace Hopseal.Dns;

/// <summary>A host or domain name in the one form it is compared, looked up and sent in: A-labels, lower case, no
/// trailing dot (RFC 5890 §2.3.2.1, RFC 1035 §2.3.1). The only way from a string is <see cref="TryParse"/>.</summary>
public sealed record DomainName
{
    const int MaxOctets = 253;
    const int MaxLabelOctets = 63;

    // What a Chinese or Japanese keyboard writes for a dot; IdnMapping splits at it.
    const int IdeographicFullStop = 0x3002;

    // Punycode only: which code points a label may hold is checked below, and lower case is made before.
    static readonly IdnMapping s_idn = new() { AllowUnassigned = true, UseStd3AsciiRules = false };

    DomainName(string ascii) => Ascii = ascii;

    /// <summary>A-labels, lower case, without the trailing dot; 1 to 253 octets.</summary>
    public string Ascii { get; }

    /// <summary>Accepts A-labels and U-labels, any case, with or without a trailing dot. Labels may hold letters, digits,
    /// hyphens and underscores (<c>_smtp._tls</c>); anything else, an address literal included, is no domain name.</summary>
    /// <remarks>A U-label is lower-cased and must hold letters, marks and digits only, roughly RFC 5892 §2; nothing else is
    /// mapped. Symbols, or a letter followed by a separate accent instead of the composed letter, are refused rather than
    /// turned into some other name: whoever has such a name writes its A-label.</remarks>
    public static bool TryParse(ReadOnlySpan<char> text, [NotNullWhen(true)] out DomainName? name)
    {
        name = null;
        if (text.EndsWith('.'))
        {
            text = text[..^1];
        }

        if (text.IsEmpty || text.Length > MaxOctets)
        {
            return false;
        }

        var ascii = text.ToString();
        if (!System.Text.Ascii.IsValid(ascii) && !TryToAscii(ascii, out ascii))
        {
            return false;
        }

        ascii = ascii.ToLowerInvariant();
        if (ascii.Length > MaxOctets || !LabelsAreValid(ascii))
        {
            return false;
        }

        name = new DomainName(ascii);
        return true;
    }

    /// <exception cref="FormatException">The text is not a domain name.</exception>
    public static DomainName Parse(string text) =>
        TryParse(text, out var name) ? name : throw new FormatException($"not a domain name: {text}");

    /// <summary>True when this name is <paramref name="parent"/> or lies below it.</summary>
    public bool IsWithin(DomainName parent) =>
        Ascii == parent.Ascii
        || (Ascii.Length > parent.Ascii.Length
            && Ascii.EndsWith(parent.Ascii, StringComparison.Ordinal)
            && Ascii[^(parent.Ascii.Length + 1)] == '.');

    public override string ToString() => Ascii;

    static bool TryToAscii(string text, out string ascii)
    {
        ascii = "";
        var lower = text.ToLowerInvariant();
        if (!IsPlainUnicode(lower))
        {
            return false;
        }

        try
        {
            ascii = s_idn.GetAscii(lower);
            return true;
        }
        catch (ArgumentException)
        {
            return false;
        }
    }

    static bool IsPlainUnicode(string lower)
    {
        var labelStarts = true;
        foreach (var rune in lower.EnumerateRunes())
        {
            if (rune.IsAscii || rune.Value is IdeographicFullStop)
            {
                labelStarts = rune.Value is '.' or IdeographicFullStop;
                continue;
            }

            // A mark from this block is a decomposed letter in all but the rarest scripts; normalisation data is not at hand.
            if (rune.Value is >= 0x300 and <= 0x36F)
            {
                return false;
            }

            switch (Rune.GetUnicodeCategory(rune))
            {
                case UnicodeCategory.LowercaseLetter or UnicodeCategory.OtherLetter or UnicodeCategory.ModifierLetter
                    or UnicodeCategory.DecimalDigitNumber:
                case UnicodeCategory.NonSpacingMark or UnicodeCategory.SpacingCombiningMark when !labelStarts:
                    labelStarts = false;
                    break;
                default:
                    return false;
            }
        }

        return true;
    }

    static bool LabelsAreValid(string ascii)
    {
        var labelStart = 0;
        var onlyDigitsInLast = true;
        for (var i = 0; i <= ascii.Length; i++)
        {
            if (i == ascii.Length || ascii[i] == '.')
            {
                if (i == labelStart || i - labelStart > MaxLabelOctets || ascii[labelStart] == '-' || ascii[i - 1] == '-')
                {
                    return false;
                }

                if (i < ascii.Length)
                {
                    onlyDigitsInLast = true;
                }

                labelStart = i + 1;
                continue;
            }

            if (!char.IsAsciiLetterOrDigit(ascii[i]) && ascii[i] is not ('-' or '_'))
            {
                return false;
            }

            onlyDigitsInLast &= char.IsAsciiDigit(ascii[i]);
        }

        // An all-numeric last label is an IPv4 address in disguise, never a name (RFC 1123 §2.1).
        return !onlyDigitsInLast;
    }
}
