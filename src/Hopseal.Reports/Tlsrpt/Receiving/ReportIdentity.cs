using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Hopseal.Reports.Tlsrpt.Receiving;

/// <summary>By what a report is known again: who reports, its id, its period, and the policy domains. An id alone does not do, since it is unique for its
/// author only (RFC 8460 §4.4), and some repeat it for each domain.</summary>
static class ReportIdentity
{
    public static byte[] Of(TlsReport report)
    {
        var text = new StringBuilder();
        Add(report.Organization);
        Add(report.Id);
        Add(report.Period.Start.ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture));
        Add(report.Period.End.ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture));
        foreach (var domain in report.Policies.Select(policy => policy.Domain ?? "").Distinct().Order(StringComparer.Ordinal))
        {
            Add(domain);
        }

        return SHA256.HashData(Encoding.UTF8.GetBytes(text.ToString()));

        // With its length, so that no two lists are one text.
        void Add(string? part) => text.Append(CultureInfo.InvariantCulture, $"{part?.Length ?? -1}:{part}");
    }
}
