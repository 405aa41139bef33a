using Hopseal.Reports.Alerts;

namespace Hopseal.Monitor.Changes;

/// <summary>Whether senders still know where to send TLS reports (RFC 8460 §3).</summary>
static class ReportRules
{
    public static IEnumerable<Told> Of(Comparison comparison, DateTimeOffset now)
    {
        if (!comparison.TakesMail || comparison.Now.Domain is not { } domain)
        {
            return [];
        }

        var then = comparison.Then?.Domain?.TlsRpt.Record;
        return domain.TlsRpt switch
        {
            { Known: false } => [Comparison.Unknown(AlertRules.MonitorReports, comparison.Domain, then is not null)],
            { Record: null } when then is not null => comparison.Tell(
                new Fault(
                    AlertRules.MonitorReports, comparison.Domain, new Levels(AlertSeverity.Warning, AlertSeverity.Info), Levels.None,
                    $"{comparison.Domain} asks nobody for TLS reports any more: {domain.TlsRpt.Problem ?? "there is no record"}",
                    $"Publish the record at _smtp._tls.{comparison.Domain} again: {then}"), isNew: true),
            { Record: { } record } when comparison.Changes(now - DomainHistory.Memory).LastOrDefault(IsOther) is { Before.Facts.Domain.TlsRpt.Record: { } old } => comparison.TellChange(
                AlertRules.MonitorReports, comparison.Domain, new Levels(AlertSeverity.Info, null),
                $"The TLS reports on {comparison.Domain} go elsewhere: {record}, before {old}", "If nobody knows of it, look at the zone: reports say who writes to whom."),
            _ => [],
        };
    }

    static bool IsOther((Observation Before, Observation After) change) =>
        (change.Before.Facts.Domain?.TlsRpt.Record, change.After.Facts.Domain?.TlsRpt.Record) is ({ } before, { } after) && before != after;
}
