using Hopseal.Audit.Findings;

namespace Hopseal.Dashboard.Words;

/// <summary>What an audit came to, as people read it.</summary>
static class VerdictWords
{
    public static string Of(Verdict verdict) => verdict switch
    {
        Verdict.Ok => "ok",
        Verdict.Info => "note",
        Verdict.Warn => "warning",
        Verdict.Fail => "failure",
        Verdict.Unknown => "not known",
    };

    public static Tone ToneOf(Verdict verdict) => verdict switch
    {
        Verdict.Ok => Tone.Good,
        Verdict.Info or Verdict.Unknown => Tone.Plain,
        Verdict.Warn => Tone.Attention,
        Verdict.Fail => Tone.Bad,
    };

    /// <summary>The question that a verdict answers.</summary>
    public static string Of(Question question) => question switch
    {
        Question.Confidential => "Confidential",
        Question.Authenticated => "Authenticated",
        Question.Watched => "Watched",
    };

    /// <summary>Of the text of a query.</summary>
    public static Verdict? Parse(string? text) =>
        Enum.TryParse<Verdict>(text, ignoreCase: true, out var verdict) && Enum.IsDefined(verdict) && !int.TryParse(text, out _) ? verdict : null;
}
