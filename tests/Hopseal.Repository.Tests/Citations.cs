using System.Text.RegularExpressions;

namespace Hopseal.Repository.Tests;

/// <summary><c>RFC 5321 §4.1.1</c>: a space, the number without zeros in front, a space, the section sign and the section. The
/// same form everywhere, so that one search finds every place that implements a section.</summary>
static partial class Citations
{
    public static IEnumerable<string> Malformed(string line)
    {
        foreach (Match match in Document().Matches(line))
        {
            var rest = line.AsSpan(match.Index);
            if (!WellFormedDocument().IsMatch(rest) || SectionInWords().IsMatch(rest))
            {
                yield return $"\"{Excerpt(line, match.Index)}\" is not RFC <number> §<section>";
            }
        }

        foreach (Match match in SectionSign().Matches(line))
        {
            if (!WellFormedSection().IsMatch(line.AsSpan(match.Index)))
            {
                yield return $"\"{Excerpt(line, match.Index)}\" is no section";
            }
        }
    }

    static string Excerpt(string line, int start) => line[start..Math.Min(line.Length, start + 24)];

    // As a word, or glued to a number; not within a longer word.
    [GeneratedRegex(@"\bRFC(?=\b|\d)")]
    private static partial Regex Document();

    [GeneratedRegex(@"^RFCs?(?: [1-9][0-9]{1,4}\b|s\b)")]
    private static partial Regex WellFormedDocument();

    [GeneratedRegex(@"^RFC \d+,? [Ss]ec(?:tion|\.)")]
    private static partial Regex SectionInWords();

    [GeneratedRegex("§")]
    private static partial Regex SectionSign();

    // A dot behind the last number is the sentence's.
    [GeneratedRegex(@"^§(?:[1-9][0-9]*|[A-Z])(?:\.[0-9]+)*(?!\.[.0-9]|\w)")]
    private static partial Regex WellFormedSection();
}
