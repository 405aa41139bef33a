using System.Collections.Immutable;

namespace Hopseal.Smtp.Wire;

/// <summary>The dialogue of one session for people to read: commands and replies, never content, never credentials.
/// Bounded; past the bound one line says that there was more.</summary>
public sealed class Transcript
{
    const int MaxLines = 500;
    const int MaxLineCharacters = 400;

    readonly List<TranscriptLine> _lines = [];

    public ImmutableArray<TranscriptLine> Lines
    {
        get
        {
            lock (_lines)
            {
                return [.. _lines];
            }
        }
    }

    /// <summary>What the client said.</summary>
    public void Client(string text) => Add(new TranscriptLine(Speaker.Client, Clip(text)));

    /// <summary>What the server said.</summary>
    public void Server(string text) => Add(new TranscriptLine(Speaker.Server, Clip(text)));

    /// <summary>What happened between lines: a handshake, a close, content that was left out.</summary>
    public void Event(string text) => Add(new TranscriptLine(Speaker.Event, Clip(text)));

    void Add(TranscriptLine line)
    {
        lock (_lines)
        {
            if (_lines.Count < MaxLines)
            {
                _lines.Add(line);
            }
            else if (_lines.Count == MaxLines)
            {
                _lines.Add(new TranscriptLine(Speaker.Event, "(the rest of the dialogue was left out)"));
            }
        }
    }

    static string Clip(string text) => text.Length <= MaxLineCharacters ? text : string.Concat(text.AsSpan(0, MaxLineCharacters), "…");
}

public enum Speaker
{
    Client,
    Server,
    Event,
}

public sealed record TranscriptLine(Speaker Speaker, string Text);
