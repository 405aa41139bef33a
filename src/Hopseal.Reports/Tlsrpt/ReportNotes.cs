using System.Collections.Immutable;

namespace Hopseal.Reports.Tlsrpt;

/// <summary>What is noticed while a report is read: warnings, and the first thing for which it must be rejected.</summary>
sealed class ReportNotes
{
    readonly ImmutableArray<ReportWarning>.Builder _warnings = ImmutableArray.CreateBuilder<ReportWarning>();
    int _unsaid;

    public string? Fault { get; private set; }

    public ImmutableArray<ReportWarning> Warnings => _unsaid == 0
        ? _warnings.ToImmutable()
        : [.. _warnings, new ReportWarning("report", $"{_unsaid} more warnings are not shown")];

    public void Warn(string where, string what)
    {
        if (_warnings.Count < ReportLimits.MostWarnings)
        {
            _warnings.Add(new ReportWarning(where, what));
        }
        else
        {
            _unsaid++;
        }
    }

    public void Reject(string where, string why) => Fault ??= $"{where}: {why}";
}
