using Hopseal.Reports.Store;
using Microsoft.Data.Sqlite;

namespace Hopseal.Reports.Tlsrpt.Receiving;

/// <summary>What reports say, added up per day, domain, reporter and result: the pages that show many of them read only this.</summary>
static class ReportSums
{
    /// <summary>Stands for every result type that RFC 8460 §4.3 does not name: anybody can make up more of them.</summary>
    public const string OtherType = "other";

    public static void Add(SqliteConnection connection, ReportSource source, TlsReport report) => Count(connection, source, report, 1);

    public static void TakeBack(SqliteConnection connection, ReportSource source, TlsReport report)
    {
        Count(connection, source, report, -1);
        connection.Run("DELETE FROM tlsrpt_received_sums WHERE day = $day AND reports = 0", ("$day", report.Period.FirstDay.DayNumber));
    }

    static void Count(SqliteConnection connection, ReportSource source, TlsReport report, int sign)
    {
        foreach (var domain in report.Policies.GroupBy(policy => policy.Domain ?? ""))
        {
            Row("", domain.Sum(policy => policy.Successful), domain.Sum(policy => policy.Failed));
            foreach (var type in domain.SelectMany(policy => policy.Failures).GroupBy(failure => failure.Type.Known is null ? OtherType : failure.Type.Text))
            {
                Row(type.Key, 0, type.Sum(failure => failure.Sessions));
            }

            void Row(string type, long successful, long failed) => connection.Run(
                """
                INSERT INTO tlsrpt_received_sums VALUES ($day, $domain, $organization, $signer, $type, $reports, $successful, $failed)
                ON CONFLICT DO UPDATE SET
                    reports = reports + excluded.reports, successful = successful + excluded.successful, failed = failed + excluded.failed
                """,
                ("$day", report.Period.FirstDay.DayNumber),
                ("$domain", domain.Key),
                ("$organization", report.Organization ?? ""),
                ("$signer", ReportRows.SignerOf(source)),
                ("$type", type),
                ("$reports", sign),
                ("$successful", sign * successful),
                ("$failed", sign * failed));
        }
    }
}
