using System.Buffers;
using System.Globalization;
using Hopseal.Audit.Findings;

namespace Hopseal.Audit.Output;

/// <summary>One line for each finding (RFC 4180).</summary>
public static class AuditCsv
{
    // A cell that begins so is a formula to a spreadsheet, and the evidence is a stranger's text.
    static readonly SearchValues<char> s_formula = SearchValues.Create("=+-@\t\r");
    static readonly SearchValues<char> s_quoted = SearchValues.Create("\",\r\n");

    public static void WriteHeader(TextWriter writer)
    {
        ArgumentNullException.ThrowIfNull(writer);
        writer.Write("target,at,profile,id,subject,question,verdict,title,evidence,basis,remedy\r\n");
    }

    public static void Write(AuditReport report, TextWriter writer)
    {
        ArgumentNullException.ThrowIfNull(report);
        ArgumentNullException.ThrowIfNull(writer);
        foreach (var finding in report.Findings)
        {
            string[] cells =
            [
                report.Facts.Target, report.Facts.At.ToString("u", CultureInfo.InvariantCulture), report.Profile, finding.Id, finding.Subject,
                Words.Of(finding.Question), Words.Of(finding.Verdict), finding.Title, string.Join(" | ", finding.Evidence), finding.Basis ?? "", finding.Remedy?.Text ?? "",
            ];
            writer.Write(string.Join(',', cells.Select(Cell)));
            writer.Write("\r\n");
        }
    }

    static string Cell(string text)
    {
        var safe = text.Length > 0 && s_formula.Contains(text[0]) ? $"'{text}" : text;
        return safe.AsSpan().ContainsAny(s_quoted) ? $"\"{safe.Replace("\"", "\"\"", StringComparison.Ordinal)}\"" : safe;
    }
}
