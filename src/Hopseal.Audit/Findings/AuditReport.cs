using System.Collections.Immutable;
using Hopseal.Audit.Facts;

namespace Hopseal.Audit.Findings;

/// <summary>What was seen, judged by a profile.</summary>
/// <param name="Profile">Its name.</param>
public sealed record AuditReport(AuditFacts Facts, string Profile, ImmutableArray<Finding> Findings)
{
    public Verdict Confidential => Of(Question.Confidential);

    public Verdict Authenticated => Of(Question.Authenticated);

    public Verdict Watched => Of(Question.Watched);

    /// <summary>The worst of the three; what could not be found out does not hide a failure.</summary>
    public Verdict Overall => Worst([Confidential, Authenticated, Watched]);

    /// <summary>The answer to one question: <see cref="Verdict.Ok"/>, <see cref="Verdict.Warn"/>, <see cref="Verdict.Fail"/> or
    /// <see cref="Verdict.Unknown"/>.</summary>
    public Verdict Of(Question question)
    {
        var worst = Worst(Findings.Where(finding => finding.Question == question).Select(finding => finding.Verdict));
        return worst is Verdict.Info ? Verdict.Ok : worst;
    }

    /// <summary>A failure counts most, then what is not known, then a warning.</summary>
    public static Verdict Worst(IEnumerable<Verdict> verdicts)
    {
        ArgumentNullException.ThrowIfNull(verdicts);
        return verdicts.DefaultIfEmpty(Verdict.Unknown).MaxBy(Rank);
    }

    static int Rank(Verdict verdict) => verdict switch
    {
        Verdict.Ok => 0,
        Verdict.Info => 1,
        Verdict.Warn => 2,
        Verdict.Unknown => 3,
        Verdict.Fail => 4,
    };
}
