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

    /// <summary>For the formats that are one document, whatever is in it. The others are written as they come.</summary>
    readonly List<AuditReport> _kept = [];

    /// <summary>The first, as long as it is the only one: JSON.</summary>
    AuditReport? _alone;

    bool _several;
    bool _begun;

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
                WriteJson(report, indented: false);
                break;
            case CheckFormat.Json:
                AddJson(report);
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
                if (_alone is { } only)
                {
                    WriteJson(only, indented: true);
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

    /// <summary>One target is one document, as most scripts want it; several are lines of them.</summary>
    void AddJson(AuditReport report)
    {
        if (_alone is null && !_several)
        {
            _alone = report;
            return;
        }

        _several = true;
        if (_alone is { } first)
        {
            WriteJson(first, indented: false);
            _alone = null;
        }

        WriteJson(report, indented: false);
    }

    void WriteJson(AuditReport report, bool indented) => writer.WriteLine(AuditJson.Write(AuditDocument.Of(report, Scanner), indented));
}
