using System.Globalization;

namespace Hopseal.Reports.Tlsrpt;

/// <summary>A text that somebody wrote into a report, as it may be shown and stored.</summary>
static class ReportText
{
    /// <summary>Without white space around it; line breaks and tabs become spaces, and what would drive a terminal or turn text around becomes a question
    /// mark.</summary>
    /// <param name="cut">It was longer than <see cref="ReportLimits.MostCharacters"/>.</param>
    public static string Clean(string text, out bool cut)
    {
        var trimmed = text.AsSpan().Trim();
        cut = trimmed.Length > ReportLimits.MostCharacters;
        if (cut)
        {
            // Half of a surrogate pair is no character.
            var end = ReportLimits.MostCharacters;
            trimmed = trimmed[..(char.IsHighSurrogate(trimmed[end - 1]) ? end - 1 : end)].TrimEnd();
        }

        return trimmed.ToString() is var kept && kept.Any(IsUnwanted)
            ? string.Create(kept.Length, kept, static (clean, kept) =>
            {
                for (var i = 0; i < clean.Length; i++)
                {
                    clean[i] = kept[i] switch
                    {
                        '\t' or '\r' or '\n' => ' ',
                        var character when IsUnwanted(character) => '?',
                        var character => character,
                    };
                }
            })
            : kept;
    }

    static bool IsUnwanted(char character) => char.GetUnicodeCategory(character)
        is UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator;
}
