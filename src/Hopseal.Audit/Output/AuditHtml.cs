using System.Globalization;
using System.Net;
using Hopseal.Audit.Findings;

namespace Hopseal.Audit.Output;

/// <summary>One page that needs nothing else: no script, no font, no picture from anywhere. Everything that a stranger said is escaped.</summary>
public static class AuditHtml
{
    const string Style =
        """
        :root{color-scheme:light dark;--ok:#18794e;--warn:#8a5a00;--fail:#c0231d;--unknown:#5d6470;--line:#8884;--soft:#8881}
        @media(prefers-color-scheme:dark){:root{--ok:#4cc38a;--warn:#f5c451;--fail:#ff8a80;--unknown:#a5adba}}
        body{font:16px/1.5 system-ui,sans-serif;max-width:62rem;margin:0 auto;padding:1rem}
        h1{font-size:1.6rem}h2{font-size:1.25rem;margin-top:2.5rem;overflow-wrap:anywhere}
        .answers{display:flex;flex-wrap:wrap;gap:.75rem;margin:1rem 0;padding:0;list-style:none}
        .answers li{border:1px solid var(--line);border-radius:.5rem;padding:.5rem 1rem;min-width:9rem}
        .ok{color:var(--ok)}.warn{color:var(--warn)}.fail{color:var(--fail)}.unknown,.info{color:var(--unknown)}
        .verdict{font-weight:600;white-space:nowrap}
        table{border-collapse:collapse;width:100%}th,td{text-align:left;vertical-align:top;padding:.4rem .6rem;border-bottom:1px solid var(--line)}
        code,pre{font-family:ui-monospace,monospace;font-size:.875em;overflow-wrap:anywhere;white-space:pre-wrap;margin:.25rem 0}
        details{margin:.25rem 0}footer{margin-top:3rem;color:var(--unknown)}
        @media(max-width:40rem){table,tbody,tr,td{display:block}thead{position:absolute;left:-999rem}tr{border-bottom:1px solid var(--line)}td{border:0;padding:.2rem 0}}
        @media print{details{display:block}details>summary{display:none}}
        """;

    public static void Write(IReadOnlyCollection<AuditReport> reports, string scanner, TextWriter output)
    {
        ArgumentNullException.ThrowIfNull(reports);
        ArgumentNullException.ThrowIfNull(output);
        var title = reports.Count == 1 ? $"Mail transport of {reports.First().Facts.Target}" : "Mail transport audit";
        output.Write(
            $"""
            <!doctype html>
            <html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
            <meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
            <title>{E(title)}</title><style>{Style}</style></head><body><main><h1>{E(title)}</h1>

            """);
        foreach (var report in reports)
        {
            Write(report, output);
        }

        output.Write($"</main><footer>{E(scanner)}</footer></body></html>\n");
    }

    static void Write(AuditReport report, TextWriter output)
    {
        output.Write($"<section><h2>{E(report.Facts.Target)}</h2><p>{report.Facts.At.ToString("u", CultureInfo.InvariantCulture)}, judged by {E(report.Profile)}</p><ul class=\"answers\">");
        foreach (var question in Enum.GetValues<Question>())
        {
            var verdict = report.Of(question);
            output.Write($"<li>{Capital(Words.Of(question))}<br><span class=\"verdict {Words.Of(verdict)}\">{Words.Of(verdict)}</span></li>");
        }

        output.Write("</ul><table><thead><tr><th scope=\"col\">Verdict</th><th scope=\"col\">Finding</th><th scope=\"col\">About</th></tr></thead><tbody>\n");
        foreach (var finding in report.Findings.OrderBy(finding => Order(finding.Verdict)))
        {
            Write(finding, output);
        }

        output.Write("</tbody></table></section>\n");
    }

    static void Write(Finding finding, TextWriter output)
    {
        output.Write($"<tr><td><span class=\"verdict {Words.Of(finding.Verdict)}\">{Words.Of(finding.Verdict)}</span></td><td>{E(finding.Title)} <code>{E(finding.Id)}</code>");
        if (!finding.Evidence.IsEmpty || finding.Remedy is not null || finding.Basis is not null)
        {
            var open = finding.Verdict is Verdict.Fail ? " open" : "";
            output.Write($"<details{open}><summary>Details</summary>");
            foreach (var line in finding.Evidence.Where(line => line.Length > 0))
            {
                output.Write($"<pre>{E(line)}</pre>");
            }

            if (finding.Remedy is { } remedy)
            {
                output.Write($"<p>{E(remedy.Text)}</p>");
                foreach (var (server, snippet) in remedy.Snippets.OrderBy(pair => pair.Key, StringComparer.Ordinal))
                {
                    output.Write($"<p>{E(server)}:</p><pre>{E(snippet)}</pre>");
                }
            }

            output.Write(finding.Basis is { } basis ? $"<p>{E(basis)}</p></details>" : "</details>");
        }

        output.Write($"</td><td>{E(finding.Subject)}</td></tr>\n");
    }

    static int Order(Verdict verdict) => verdict switch
    {
        Verdict.Fail => 0,
        Verdict.Warn => 1,
        Verdict.Unknown => 2,
        Verdict.Info => 3,
        Verdict.Ok => 4,
    };

    static string Capital(string word) => char.ToUpperInvariant(word[0]) + word[1..];

    static string E(string text) => WebUtility.HtmlEncode(text);
}
