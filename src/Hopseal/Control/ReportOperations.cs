using System.Globalization;
using System.Runtime.CompilerServices;
using Hopseal.Dns;
using Hopseal.Reports.Tlsrpt.Sending;
using Microsoft.Data.Sqlite;

namespace Hopseal.Control;

/// <summary>Makes and sends TLS reports now, instead of when their time has come.</summary>
/// <param name="sender">Null: the gateway reports nothing.</param>
sealed class ReportOperations(ReportSender? sender)
{
    /// <summary>A line for each domain, and the end.</summary>
    public async IAsyncEnumerable<ControlLine> RunAsync(ControlRequest request, [EnumeratorCancellation] CancellationToken cancel)
    {
        DomainName? domain = null;
        var why = sender is null ? "this gateway sends no TLS reports: TlsReports.Send is not configured, or not enabled"
            : request.Select(out var fault) is null ? fault
            : request.Domain is not null && !DomainName.TryParse(request.Domain, out domain) ? "the domain is none"
            : null;
        if (why is not null)
        {
            yield return new ControlLine.Fault(why);
            yield break;
        }

        IReadOnlyList<ControlLine> lines;
        try
        {
            lines = request.DryRun
                ? [.. (await sender!.UnreportedAsync(request.Day, domain, cancel)).Select(sum => Line(sum, null))]
                : [.. (await sender!.SendNowAsync(request.Day, domain, cancel)).Select(done => Line(done.Counted, done.Made))];
        }
        catch (SqliteException e)
        {
            lines = [new ControlLine.Fault($"the reports cannot be read or written: {e.Message}")];
        }

        foreach (var line in lines)
        {
            yield return line;
        }

        if (lines is not [.., ControlLine.Fault])
        {
            yield return new ControlLine.Done(lines.Count, lines.Count(line => line is ControlLine.TlsReport { Report: not null }), 0, 0, 0, []);
        }
    }

    static ControlLine.TlsReport Line(UnreportedSum sum, Made? made) => new(
        sum.Day, sum.Domain, sum.Successful, sum.Failed,
        (made as Made.Report)?.Sent.Id,
        made switch
        {
            null => "would be reported, if the domain wants a report",
            Made.Report { Sent: var sent } => sent.State is SentState.Kept ? "made and kept, in a dry run"
                : sent.State is SentState.Failed ? sent.Why ?? "failed"
                : string.Create(CultureInfo.InvariantCulture, $"made as {sent.Id}"),
            Made.Unwanted unwanted => $"no report: {unwanted.Why}",
            Made.Unknown unknown => $"not now: {unknown.Why}",
            Made.Nothing => "there was nothing to report any more",
            _ => throw new ArgumentException($"unknown {made}", nameof(made)),
        });
}
