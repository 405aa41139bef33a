using System.Globalization;
using Hopseal.Audit.Findings;

namespace Hopseal.Audit.Output;

/// <summary>For the text file collector of Prometheus' node exporter.</summary>
public static class AuditPrometheus
{
    public static void Write(IReadOnlyCollection<AuditReport> reports, TextWriter output)
    {
        ArgumentNullException.ThrowIfNull(reports);
        ArgumentNullException.ThrowIfNull(output);
        output.Write("# HELP hopseal_check_verdict Answer to one question: 0 ok, 1 warn, 2 fail, -1 unknown.\n# TYPE hopseal_check_verdict gauge\n");
        foreach (var report in reports)
        {
            foreach (var question in Enum.GetValues<Question>())
            {
                output.Write(Line("hopseal_check_verdict", report, $",question=\"{Words.Of(question)}\"", Number(report.Of(question))));
            }
        }

        output.Write("# HELP hopseal_check_findings Findings by verdict.\n# TYPE hopseal_check_findings gauge\n");
        foreach (var report in reports)
        {
            foreach (var verdict in Enum.GetValues<Verdict>())
            {
                output.Write(Line("hopseal_check_findings", report, $",verdict=\"{Words.Of(verdict)}\"", report.Findings.Count(finding => finding.Verdict == verdict)));
            }
        }

        output.Write("# HELP hopseal_check_certificate_expiry_timestamp_seconds End of the certificate that ends first.\n# TYPE hopseal_check_certificate_expiry_timestamp_seconds gauge\n");
        foreach (var report in reports)
        {
            var ends = report.Facts.Hosts.SelectMany(host => host.Endpoints).Select(endpoint => endpoint.Handshake)
                .Where(handshake => handshake is { Chain.IsEmpty: false }).Select(handshake => handshake!.Chain[0].Until.ToUnixTimeSeconds()).ToArray();
            if (ends.Length > 0)
            {
                output.Write(Line("hopseal_check_certificate_expiry_timestamp_seconds", report, "", ends.Min()));
            }
        }

        output.Write("# HELP hopseal_check_timestamp_seconds When it was looked.\n# TYPE hopseal_check_timestamp_seconds gauge\n");
        foreach (var report in reports)
        {
            output.Write(Line("hopseal_check_timestamp_seconds", report, "", report.Facts.At.ToUnixTimeSeconds()));
        }
    }

    static string Line(string name, AuditReport report, string labels, long value) =>
        string.Create(CultureInfo.InvariantCulture, $"{name}{{target=\"{Escape(report.Facts.Target)}\"{labels}}} {value}\n");

    static int Number(Verdict verdict) => verdict switch
    {
        Verdict.Ok or Verdict.Info => 0,
        Verdict.Warn => 1,
        Verdict.Fail => 2,
        Verdict.Unknown => -1,
    };

    static string Escape(string text) =>
        text.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal).Replace("\n", "\\n", StringComparison.Ordinal);
}
