namespace Hopseal.Relay;

/// <summary>What a peer wrote, as it may stand in a log line, a database field or a report: bounded, and without control
/// characters, which could end the line or drive a terminal.</summary>
public static class OneLine
{
    /// <param name="text">Anything.</param>
    /// <param name="maxCharacters">Of the result.</param>
    public static string Of(string text, int maxCharacters)
    {
        var clean = text.Length <= maxCharacters && !HasControl(text);
        return clean ? text : string.Create(Math.Min(text.Length, maxCharacters), text, static (line, text) =>
        {
            for (var i = 0; i < line.Length; i++)
            {
                line[i] = char.IsControl(text[i]) ? '?' : text[i];
            }

            // Half of a surrogate pair is no character.
            if (line.Length > 0 && line.Length < text.Length)
            {
                line[^1] = '…';
                if (line.Length > 1 && char.IsHighSurrogate(line[^2]))
                {
                    line[^2] = '?';
                }
            }
        });
    }

    /// <summary>As <see cref="char.IsControl(char)"/> has it.</summary>
    static bool HasControl(ReadOnlySpan<char> text) => text.ContainsAnyInRange('\0', '\u001f') || text.ContainsAnyInRange('\u007f', '\u009f');
}
