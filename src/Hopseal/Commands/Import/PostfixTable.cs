using System.Text;
using System.Text.RegularExpressions;

namespace Hopseal.Commands.Import;

/// <summary>An entry of a Postfix lookup table in text form, as postmap(1) reads it.</summary>
/// <param name="Line">Where it begins, from 1 on.</param>
/// <param name="Key">In lower case: tables are asked so.</param>
readonly record struct PostfixEntry(int Line, string Key, string Value);

/// <summary>Reads the text of a Postfix lookup table: a line that begins with white space goes on with the entry before; lines that are empty or
/// whose first word begins with <c>#</c> are none, also within an entry.</summary>
static partial class PostfixTable
{
    public const int MaxOctets = 4 * 1024 * 1024;

    // No entry of a policy table is near this long.
    const int MaxEntryCharacters = 64 * 1024;

    /// <exception cref="InvalidDataException">It is too large, no UTF-8 text, or begins within an entry; with the line.</exception>
    public static IEnumerable<PostfixEntry> Read(byte[] content)
    {
        var number = 0;
        (int Line, StringBuilder Text)? entry = null;
        foreach (var line in Lines(content))
        {
            number++;
            if (line.AsSpan().Trim() is [] or ['#', ..])
            {
                continue;
            }

            if (!char.IsWhiteSpace(line[0]))
            {
                if (entry is { } ended)
                {
                    yield return Entry(ended.Line, ended.Text.ToString());
                }

                entry = (number, new StringBuilder(line));
            }
            else if (entry is not { } begun)
            {
                throw new InvalidDataException($"line {number}: goes on with an entry, and there is none before it");
            }
            else if (begun.Text.Append(' ').Append(line.AsSpan().Trim()).Length > MaxEntryCharacters)
            {
                throw new InvalidDataException($"line {begun.Line}: the entry is longer than {MaxEntryCharacters} characters");
            }
        }

        if (entry is { } last)
        {
            yield return Entry(last.Line, last.Text.ToString());
        }
    }

    static string[] Lines(byte[] content)
    {
        if (content.Length > MaxOctets)
        {
            throw new InvalidDataException($"is larger than {MaxOctets} octets");
        }

        try
        {
            var text = new UTF8Encoding(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true).GetString(content);
            return text.Contains('\0', StringComparison.Ordinal)
                ? throw new InvalidDataException("holds a NUL: name the table's text, not what postmap made of it")
                : LineBreak().Split(text);
        }
        catch (DecoderFallbackException e)
        {
            throw new InvalidDataException("is no UTF-8 text: name the table's text, not what postmap made of it", e);
        }
    }

    static PostfixEntry Entry(int line, string text)
    {
        var trimmed = text.Trim();
        var end = trimmed.AsSpan().IndexOfAny(' ', '\t');
        return end < 0
            ? new PostfixEntry(line, trimmed.ToLowerInvariant(), "")
            : new PostfixEntry(line, trimmed[..end].ToLowerInvariant(), trimmed[end..].Trim());
    }

    [GeneratedRegex("\r?\n")]
    private static partial Regex LineBreak();
}
