using System.Collections.Immutable;
using Hopseal.Audit.Findings;

namespace Hopseal.Audit.Output;

/// <summary>What changed between two reports on one target.</summary>
/// <param name="Before">Null: the finding is new.</param>
/// <param name="After">Null: it is gone.</param>
public sealed record FindingChange(string Id, string Subject, Finding? Before, Finding? After)
{
    /// <summary>Positive where it became worse. What is not known is neither better nor worse.</summary>
    public bool IsWorse => (Before?.Verdict, After?.Verdict) switch
    {
        (_, null or Verdict.Unknown) => false,
        (null or Verdict.Unknown, Verdict.Warn or Verdict.Fail) => true,
        (null or Verdict.Unknown, _) => false,
        (var before, var after) => after > before,
    };
}

public static class AuditDifference
{
    /// <summary>Their titles count days, so that they are others each day.</summary>
    static readonly ImmutableArray<string> s_counting = [CheckIds.CertificateDates, CheckIds.StsHost];

    /// <summary>In the order of the later report; what is gone stands at the end.</summary>
    public static ImmutableArray<FindingChange> Between(AuditReport before, AuditReport after)
    {
        ArgumentNullException.ThrowIfNull(before);
        ArgumentNullException.ThrowIfNull(after);
        var old = before.Findings.GroupBy(Key).ToDictionary(same => same.Key, same => same.MaxBy(finding => finding.Verdict)!);
        var now = after.Findings.GroupBy(Key).ToDictionary(same => same.Key, same => same.MaxBy(finding => finding.Verdict)!);
        return
        [
            .. now.Where(pair => !old.TryGetValue(pair.Key, out var was) || was.Verdict != pair.Value.Verdict || (was.Title != pair.Value.Title && !s_counting.Contains(pair.Key.Id)))
                .Select(pair => new FindingChange(pair.Key.Id, pair.Key.Subject, old.GetValueOrDefault(pair.Key), pair.Value)),
            .. old.Where(pair => !now.ContainsKey(pair.Key)).Select(pair => new FindingChange(pair.Key.Id, pair.Key.Subject, pair.Value, null)),
        ];
    }

    static (string Id, string Subject) Key(Finding finding) => (finding.Id, finding.Subject);
}
