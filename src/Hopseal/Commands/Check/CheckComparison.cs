using Hopseal.Audit.Findings;
using Hopseal.Audit.Output;
using Hopseal.Audit.Profiles;
using Hopseal.Configuration;

namespace Hopseal.Commands.Check;

/// <summary>What changed since an earlier run, target by target, and in sum: no change is an answer too.</summary>
sealed class CheckComparison
{
    readonly string _name;
    readonly Dictionary<string, AuditReport> _before = new(StringComparer.Ordinal);
    int _compared;
    int _changed;
    int _new;

    CheckComparison(string name) => _name = name;

    /// <summary>Both are judged by the same profile: what changed is the server, not the guideline.</summary>
    /// <param name="file">Of that run, json or jsonlines.</param>
    /// <param name="name">As it was given.</param>
    /// <exception cref="UsageException">It cannot be read.</exception>
    public static CheckComparison Read(string file, string name, Profile profile)
    {
        var comparison = new CheckComparison(name);
        foreach (var document in StoredReports.Read(file))
        {
            comparison._before[document.Target] = Compared(document.Rejudge(profile));
        }

        return comparison;
    }

    /// <summary>A line for each change.</summary>
    public IEnumerable<string> Changes(AuditReport report)
    {
        if (!_before.TryGetValue(report.Facts.Target, out var before))
        {
            _new++;
            return [];
        }

        var changes = AuditDifference.Between(before, report);
        _compared++;
        _changed += changes.IsEmpty ? 0 : 1;
        return changes.Select(change =>
            Shown.Plain($"{report.Facts.Target}: {Sign(change)} {change.Subject} [{change.Id}]: {change.Before?.Title ?? "(new)"} → {change.After?.Title ?? "(gone)"}"));
    }

    /// <summary>When all of them were told.</summary>
    public string Sum()
    {
        var of = _compared == 1 ? "the one target" : $"{_compared} targets";
        var said = _compared == 0 ? "no target is in it" : _changed == 0 ? $"nothing changed in {of}" : _compared == 1 ? "the one target changed" : $"{_changed} of {_compared} targets changed";
        return $"since {_name}: {said}{(_new > 0 && _compared > 0 ? $"; {_new} not in it" : "")}";
    }

    /// <summary>A list may be long: what is not compared is not kept.</summary>
    static AuditReport Compared(AuditReport report) => report with
    {
        Facts = report.Facts with { Domain = null, Hosts = [] },
        Findings = [.. report.Findings.Select(finding => finding with { Evidence = [], Remedy = null })],
    };

    static string Sign(FindingChange change) => change.IsWorse ? "worse" : change.After?.Verdict is Verdict.Unknown ? "not known" : "changed";
}
