using System.Globalization;
using System.Text;

namespace Hopseal.Configuration;

/// <summary>Written text as it is shown to a person: quoted, short, without anything a terminal would obey.</summary>
static class Shown
{
    const int MostCharacters = 80;

    public static string Text(string text)
    {
        var shown = new StringBuilder("\"");
        foreach (var rune in text.EnumerateRunes())
        {
            if (shown.Length > MostCharacters)
            {
                shown.Append('…');
                break;
            }

            Append(shown, rune);
        }

        return shown.Append('"').ToString();
    }

    /// <summary>The whole text, without quotes.</summary>
    public static string Plain(string text)
    {
        var shown = new StringBuilder(text.Length);
        foreach (var rune in text.EnumerateRunes())
        {
            Append(shown, rune);
        }

        return shown.ToString();
    }

    static void Append(StringBuilder shown, Rune rune)
    {
        if (Rune.GetUnicodeCategory(rune) is UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.LineSeparator
            or UnicodeCategory.ParagraphSeparator)
        {
            shown.Append(CultureInfo.InvariantCulture, $"\\u{rune.Value:x4}");
        }
        else
        {
            shown.Append(rune.ToString());
        }
    }

    /// <summary>The candidate somebody probably meant, as the end of a sentence; empty when nothing is close.</summary>
    public static string DidYouMean(string written, IEnumerable<string> candidates)
    {
        var best = candidates
            .Select(candidate => (candidate, distance: Distance(written.ToUpperInvariant(), candidate.ToUpperInvariant())))
            .Where(pair => pair.distance <= Math.Max(1, pair.candidate.Length / 3))
            .OrderBy(pair => pair.distance)
            .FirstOrDefault();
        return best.candidate is null ? "" : $"; did you mean {best.candidate}?";
    }

    /// <summary>Insertions, deletions, replacements and swaps of neighbours between two short texts.</summary>
    static int Distance(string a, string b)
    {
        const int TooLong = 64;
        if (a.Length > TooLong || b.Length > TooLong)
        {
            return int.MaxValue;
        }

        var cells = new int[a.Length + 1, b.Length + 1];
        for (var i = 0; i <= a.Length; i++)
        {
            for (var j = 0; j <= b.Length; j++)
            {
                if (i == 0 || j == 0)
                {
                    cells[i, j] = i + j;
                    continue;
                }

                var replace = cells[i - 1, j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
                cells[i, j] = Math.Min(replace, Math.Min(cells[i - 1, j], cells[i, j - 1]) + 1);
                if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                {
                    cells[i, j] = Math.Min(cells[i, j], cells[i - 2, j - 2] + 1);
                }
            }
        }

        return cells[a.Length, b.Length];
    }
}
