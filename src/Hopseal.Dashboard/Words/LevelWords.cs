using Hopseal.Reports.Sessions;

namespace Hopseal.Dashboard.Words;

/// <summary>What a session came to, as people read it.</summary>
static class LevelWords
{
    public static string Of(TransportLevel level) => level switch
    {
        TransportLevel.Plaintext => "plaintext",
        TransportLevel.Encrypted => "encrypted",
        TransportLevel.Authenticated => "authenticated",
        TransportLevel.Refused => "refused",
        TransportLevel.Undecided => "ended before TLS",
    };

    public static Tone ToneOf(TransportLevel level) => level switch
    {
        TransportLevel.Encrypted or TransportLevel.Authenticated => Tone.Good,
        TransportLevel.Plaintext => Tone.Attention,
        TransportLevel.Refused => Tone.Bad,
        TransportLevel.Undecided => Tone.Plain,
    };

    /// <summary>Of the text of a query.</summary>
    public static TransportLevel? Parse(string? text) =>
        Enum.TryParse<TransportLevel>(text, ignoreCase: true, out var level) && Enum.IsDefined(level) && !int.TryParse(text, out _) ? level : null;
}
