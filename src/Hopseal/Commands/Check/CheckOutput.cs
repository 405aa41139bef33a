using System.Reflection;
using Hopseal.Audit.Findings;
using Hopseal.Audit.Output;

namespace Hopseal.Commands.Check;

enum CheckFormat
{
    Text,
    Json,
    JsonLines,
    Csv,
    Html,
    JUnit,
    Sarif,
    Prometheus,
}

/// <summary>Writes reports as they come where the format can, else all of them at the end.</summary>
sealed class CheckOutput(CheckFormat format, TextWriter writer, Func<AuditReport, string> text)
{
    public static string Scanner { get; } =
        $"hopseal/{typeof(CheckOutput).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion.Split('+')[0]} (mail transport audit)";

    readonly List<AuditReport> _kept = [];
    bool _begun;

    /// <summary>Whether memory stays the same however many there are.</summary>
    public static bool Streams(CheckFormat format) => format is CheckFormat.Text or CheckFormat.JsonLines or CheckFormat.Csv;

    /// <param name="continued">The output has a header already.</param>
    public void Begin(bool continued)
    {
        if (format is CheckFormat.Csv && !continued && !_begun)
        {
            AuditCsv.WriteHeader(writer);
        }

        _begun = true;
    }

    public void Add(AuditReport report)
    {
        switch (format)
        {
            case CheckFormat.Text:
                writer.Write(text(report));
                break;
            case CheckFormat.JsonLines:
                writer.WriteLine(AuditJson.Write(AuditDocument.Of(report, Scanner), indented: false));
                break;
            case CheckFormat.Csv:
                AuditCsv.Write(report, writer);
                break;
            default:
                _kept.Add(report);
                break;
        }

        writer.Flush();
    }

    public void End()
    {
        switch (format)
        {
            case CheckFormat.Json:
                // One target is one document, as most scripts want it; several are lines of them.
                foreach (var report in _kept)
                {
                    writer.WriteLine(AuditJson.Write(AuditDocument.Of(report, Scanner), indented: _kept.Count == 1));
                }

                break;
            case CheckFormat.JUnit:
                AuditJUnit.Write(_kept, writer);
                writer.WriteLine();
                break;
            case CheckFormat.Sarif:
                AuditSarif.Write(_kept, Scanner, writer);
                break;
            case CheckFormat.Prometheus:
                AuditPrometheus.Write(_kept, writer);
                break;
            case CheckFormat.Html:
                AuditHtml.Write(_kept, Scanner, writer);
                break;
            case CheckFormat.Text or CheckFormat.JsonLines or CheckFormat.Csv:
                break;
        }

        writer.Flush();
    }
}
