using System.Collections.Immutable;

namespace Hopseal.Audit.Probes;

/// <summary>Signs that somebody on the way overwrites what a server says: letters X where a capability stood, asterisks where the greeting
/// was.</summary>
static class Masks
{
    const int LeastLetters = 4;
    const int LeastAsterisks = 8;

    public static ImmutableArray<string> Of(Opening opening) =>
    [
        .. opening.Banner.AsSpan().Count('*') >= LeastAsterisks ? [$"greeting: {ProbeTranscript.Clean(opening.Banner)}"] : Array.Empty<string>(),
        .. opening.Capabilities.Where(IsMask).Select(line => $"capability: {ProbeTranscript.Clean(line)}"),
    ];

    /// <summary><c>XXXX</c>, or <c>XXXXXXXA</c> with a letter behind.</summary>
    static bool IsMask(string line)
    {
        var keyword = line.Split(' ', 2)[0];
        return keyword.Length >= LeastLetters && keyword[..^1].All(letter => letter == 'X') && char.IsAsciiLetterUpper(keyword[^1]);
    }
}
