using Hopseal.Audit.Findings;

namespace Hopseal.Audit.Output;

/// <summary>As they stand in every output.</summary>
public static class Words
{
    public static string Of(Verdict verdict) => verdict switch
    {
        Verdict.Ok => "ok",
        Verdict.Info => "info",
        Verdict.Warn => "warn",
        Verdict.Fail => "fail",
        Verdict.Unknown => "unknown",
    };

    public static string Of(Question question) => question switch
    {
        Question.Confidential => "confidential",
        Question.Authenticated => "authenticated",
        Question.Watched => "watched",
    };
}
