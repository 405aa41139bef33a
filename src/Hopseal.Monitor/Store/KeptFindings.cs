using Hopseal.Audit.Findings;
using Hopseal.Reports.Store;
using Microsoft.Data.Sqlite;

namespace Hopseal.Monitor.Store;

/// <summary>What is wrong stays open from the first look that finds it to the first that does not.</summary>
static class KeptFindings
{
    const int MostCharacters = 300;

    /// <param name="mostClosed">Of this domain; older ones are forgotten.</param>
    public static void Settle(SqliteConnection connection, string domain, AuditReport report, int mostClosed)
    {
        var now = Rows.Number(report.Facts.At);
        var worst = report.Findings.GroupBy(finding => (finding.Id, Subject: Cut(finding.Subject)))
            .Select(same => same.MaxBy(finding => finding.Verdict is Verdict.Unknown ? Verdict.Info : finding.Verdict)!)
            .Where(finding => finding.Verdict is Verdict.Warn or Verdict.Fail or Verdict.Unknown).ToArray();
        var open = connection.Read(
            "SELECT id, finding, subject FROM monitor_findings WHERE domain = $domain AND closed_at IS NULL",
            row => (Id: row.GetInt64(0), Finding: row.GetString(1), Subject: row.GetString(2)), ("$domain", domain));

        // What is not known now neither opens nor ends anything.
        foreach (var ended in open.Where(one => !worst.Any(finding => finding.Id == one.Finding && Cut(finding.Subject) == one.Subject)))
        {
            connection.Run("UPDATE monitor_findings SET closed_at = $now WHERE id = $id", ("$id", ended.Id), ("$now", now));
        }

        foreach (var finding in worst.Where(finding => finding.Verdict is not Verdict.Unknown))
        {
            connection.Run(
                """
                INSERT INTO monitor_findings (domain, finding, subject, question, verdict, title, opened_at, seen_at)
                VALUES ($domain, $finding, $subject, $question, $verdict, $title, $now, $now)
                ON CONFLICT (domain, finding, subject) WHERE closed_at IS NULL
                DO UPDATE SET verdict = excluded.verdict, title = excluded.title, seen_at = excluded.seen_at
                """,
                ("$domain", domain), ("$finding", finding.Id), ("$subject", Cut(finding.Subject)), ("$question", (long)finding.Question),
                ("$verdict", (long)finding.Verdict), ("$title", Cut(finding.Title)), ("$now", now));
        }

        connection.Run(
            """
            DELETE FROM monitor_findings WHERE domain = $domain AND closed_at IS NOT NULL
                AND id < (SELECT id FROM monitor_findings WHERE domain = $domain AND closed_at IS NOT NULL ORDER BY id DESC LIMIT 1 OFFSET $most)
            """,
            ("$domain", domain), ("$most", mostClosed - 1));
    }

    static string Cut(string text) => text.Length > MostCharacters ? $"{text[..MostCharacters]}…" : text;
}
