using System.Text;
using Hopseal.Audit.Findings;
using Hopseal.Audit.Output;
using Hopseal.Configuration;

namespace Hopseal.Commands.Check;

/// <summary>A report for people: three answers, then what is wrong and what to do, then what is fine.</summary>
static class CheckText
{
    const int MostEvidence = 12;

    public static string Write(AuditReport report, bool colours, bool everything)
    {
        var text = new StringBuilder();
        text.Append('\n').Append(Bold(report.Facts.Target, colours)).Append("   ");
        foreach (var question in Enum.GetValues<Question>())
        {
            text.Append(Words.Of(question)).Append(' ').Append(Mark(report.Of(question), colours)).Append("   ");
        }

        text.Append('\n');
        var told = new HashSet<Remedy>();
        foreach (var finding in report.Findings.Where(finding => everything || finding.Verdict is not (Verdict.Ok or Verdict.Info)).OrderBy(finding => Order(finding.Verdict)))
        {
            Append(text, finding, told, colours);
        }

        if (!everything)
        {
            var fine = report.Findings.Where(finding => finding.Verdict is Verdict.Ok).ToArray();
            text.Append($"  {Mark(Verdict.Ok, colours)}  {Words.Count(fine.Length, "check")}: {string.Join(", ", fine.Select(finding => finding.Id).Distinct())}\n");
            foreach (var finding in report.Findings.Where(finding => finding.Verdict is Verdict.Info).DistinctBy(finding => (finding.Id, finding.Title)))
            {
                text.Append($"  {Mark(Verdict.Info, colours)}  {Shown.Plain(finding.Title)}  [{finding.Id}]\n");
            }
        }

        var connections = report.Facts.Hosts.SelectMany(host => host.Endpoints)
            .GroupBy(endpoint => (endpoint.Address, endpoint.Port), (_, names) => names.Sum(endpoint => endpoint.Connections)).ToArray();
        text.Append($"  {Words.Count(connections.Length, "address", "addresses")}, {Words.Count(connections.DefaultIfEmpty().Max(), "connection")} to one at most, {report.Facts.Elapsed.TotalSeconds:0.0} s; judged by {report.Profile}\n");
        return text.ToString();
    }

    /// <param name="told">Snippets of these stand above already.</param>
    static void Append(StringBuilder text, Finding finding, HashSet<Remedy> told, bool colours)
    {
        text.Append($"  {Mark(finding.Verdict, colours)}  {Bold(Shown.Plain(finding.Title), colours)}  [{finding.Id}]  {Shown.Plain(finding.Subject)}\n");
        foreach (var line in finding.Evidence.Where(line => line.Length > 0).Take(MostEvidence))
        {
            text.Append($"           {Shown.Plain(line)}\n");
        }

        if (finding.Remedy is { } remedy)
        {
            text.Append($"        →  {remedy.Text}{(finding.Basis is { } basis ? $" ({basis})" : "")}\n");
            foreach (var (server, snippet) in (told.Add(remedy) ? remedy.Snippets : []).OrderBy(pair => pair.Key, StringComparer.Ordinal))
            {
                var lines = snippet.Split('\n');
                text.Append($"           {server}: {Shown.Plain(lines[0])}\n");
                foreach (var line in lines.Skip(1))
                {
                    text.Append($"           {new string(' ', server.Length + 2)}{Shown.Plain(line)}\n");
                }
            }
        }
    }

    static int Order(Verdict verdict) => verdict switch
    {
        Verdict.Fail => 0,
        Verdict.Warn => 1,
        Verdict.Unknown => 2,
        Verdict.Info => 3,
        Verdict.Ok => 4,
    };

    /// <summary>All as wide as the widest.</summary>
    static string Mark(Verdict verdict, bool colours)
    {
        var (colour, word) = verdict switch
        {
            Verdict.Ok => (32, "ok"),
            Verdict.Info => (36, "info"),
            Verdict.Warn => (33, "warn"),
            Verdict.Fail => (31, "FAIL"),
            Verdict.Unknown => (35, "?"),
        };
        return colours ? $"\e[{colour}m{word,-4}\e[0m" : $"{word,-4}";
    }

    static string Bold(string text, bool colours) => colours ? $"\e[1m{text}\e[0m" : text;
}
