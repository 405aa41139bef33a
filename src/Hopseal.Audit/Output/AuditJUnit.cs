using System.Globalization;
using System.Xml;
using Hopseal.Audit.Findings;

namespace Hopseal.Audit.Output;

/// <summary>Reports as test suites, for build servers: a finding is a test case; warnings and failures fail it, what is not known skips it.</summary>
public static class AuditJUnit
{
    public static void Write(IReadOnlyCollection<AuditReport> reports, TextWriter output)
    {
        ArgumentNullException.ThrowIfNull(reports);
        using var writer = XmlWriter.Create(output, new XmlWriterSettings { Indent = true, CheckCharacters = true });
        writer.WriteStartElement("testsuites");
        writer.WriteAttributeString("name", "hopseal check");
        foreach (var report in reports)
        {
            writer.WriteStartElement("testsuite");
            writer.WriteAttributeString("name", report.Facts.Target);
            writer.WriteAttributeString("tests", Count(report.Findings.Length));
            writer.WriteAttributeString("failures", Count(report.Findings.Count(IsFailure)));
            writer.WriteAttributeString("skipped", Count(report.Findings.Count(finding => finding.Verdict is Verdict.Unknown)));
            writer.WriteAttributeString("errors", "0");
            writer.WriteAttributeString("time", report.Facts.Elapsed.TotalSeconds.ToString("0.000", CultureInfo.InvariantCulture));
            writer.WriteAttributeString("timestamp", report.Facts.At.ToString("s", CultureInfo.InvariantCulture));
            foreach (var finding in report.Findings)
            {
                Write(finding, writer);
            }

            writer.WriteEndElement();
        }

        writer.WriteEndElement();
    }

    static void Write(Finding finding, XmlWriter writer)
    {
        writer.WriteStartElement("testcase");
        writer.WriteAttributeString("classname", finding.Id);
        writer.WriteAttributeString("name", $"{finding.Subject}: {finding.Title}");
        if (IsFailure(finding))
        {
            writer.WriteStartElement("failure");
            writer.WriteAttributeString("type", Words.Of(finding.Verdict));
            writer.WriteAttributeString("message", finding.Title);
            writer.WriteString(string.Join('\n', [.. finding.Evidence, finding.Remedy?.Text ?? ""]));
            writer.WriteEndElement();
        }
        else if (finding.Verdict is Verdict.Unknown)
        {
            writer.WriteStartElement("skipped");
            writer.WriteAttributeString("message", string.Join(" ", finding.Evidence));
            writer.WriteEndElement();
        }

        writer.WriteEndElement();
    }

    static bool IsFailure(Finding finding) => finding.Verdict is Verdict.Fail or Verdict.Warn;

    static string Count(int number) => number.ToString(CultureInfo.InvariantCulture);
}
