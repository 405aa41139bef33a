using System.Collections.Immutable;

namespace Hopseal.Audit.Probes;

/// <summary>What was said, as proof: bounded in lines and characters, and nothing in it can steer a terminal.</summary>
sealed class ProbeTranscript
{
    const int MostLines = 60;
    const int MostCharacters = 200;

    readonly ImmutableArray<string>.Builder _lines = ImmutableArray.CreateBuilder<string>();

    public ImmutableArray<string> Lines => _lines.ToImmutable();

    public void Client(string line) => Add("C: ", line);

    public void Server(string line) => Add("S: ", line);

    public void Event(string text) => Add("-- ", text);

    public static string Clean(string line)
    {
        var clipped = line.Length > MostCharacters ? $"{line[..MostCharacters]}…" : line;
        return clipped.Any(char.IsControl) ? string.Create(clipped.Length, clipped, (to, from) =>
        {
            for (var i = 0; i < from.Length; i++)
            {
                to[i] = char.IsControl(from[i]) ? '\uFFFD' : from[i];
            }
        }) : clipped;
    }

    void Add(string who, string line)
    {
        if (_lines.Count < MostLines)
        {
            _lines.Add(who + Clean(line));
        }
    }
}
