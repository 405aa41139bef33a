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

        if (report.Id is null)
        {
            AddContent();
        }

        return SHA256.HashData(Encoding.UTF8.GetBytes(text.ToString()));

        // Two that have no id are the same when they say the same.
        void AddContent()
        {
            Add(report.Contact);
            foreach (var policy in report.Policies)
            {
                Add(string.Create(CultureInfo.InvariantCulture, $"{policy.Kind} {policy.Successful} {policy.Failed}"));
                foreach (var failure in policy.Failures)
                {
                    Add(string.Create(
                        CultureInfo.InvariantCulture, $"{failure.Type} {failure.Sessions} {failure.MxHostname} {failure.ReceivingIp} {failure.SendingIp} {failure.Reason}"));
                }
            }
        }

        // With its length, so that no two lists are one text.
        void Add(string? part) => text.Append(CultureInfo.InvariantCulture, $"{part?.Length ?? -1}:{part}");
    }
}
