using System.Collections.Immutable;
using System.Net;

namespace Hopseal.Configuration;

/// <summary>The sections of what speaks HTTP. Each listens at a place of its own: whoever comes later is told who has it.</summary>
sealed record WebServers(MtaStsSettings MtaSts, ReportIntakeSettings Reports, DashboardSettings? Dashboard, MetricsSettings Metrics)
{
    /// <param name="receive">The section <c>TlsReports.Receive</c>.</param>
    public static WebServers Read(Section root, Section receive, ImmutableArray<ListenerSettings> listeners, bool hasCertificates, DomainTable domains)
    {
        var mtaSts = MtaStsSettings.Read(root.Child("MtaSts"), listeners, hasCertificates);
        ImmutableArray<(IPEndPoint Endpoint, string What)> taken =
        [
            .. listeners.Select(listener => (listener.Endpoint, $"the listener {Shown.Text(listener.Name)}")),
            .. Place(mtaSts.Endpoint, "MtaSts"),
        ];
        var reports = ReportIntakeSettings.Read(receive, taken, hasCertificates, domains);
        taken = [.. taken, .. Place(reports.Endpoint, "TlsReports.Receive")];
        var dashboard = DashboardSettings.Read(root, taken, hasCertificates);
        taken = [.. taken, .. Place(dashboard?.Endpoint, "Dashboard")];
        return new WebServers(mtaSts, reports, dashboard, MetricsSettings.Read(root.Child("Metrics"), taken));
    }

    static ImmutableArray<(IPEndPoint, string)> Place(IPEndPoint? endpoint, string what) => endpoint is null ? [] : [(endpoint, what)];
}
