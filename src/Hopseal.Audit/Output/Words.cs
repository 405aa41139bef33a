using System.Globalization;
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

    /// <summary><c>1 day</c>, <c>2 days</c>.</summary>
    /// <param name="many">Without: <paramref name="one"/> with an s.</param>
    public static string Count(long number, string one, string? many = null) =>
        string.Create(CultureInfo.InvariantCulture, $"{number} {(number == 1 ? one : many ?? one + "s")}");
}
