using System.Text.Json;
using System.Text.Json.Nodes;
using Hopseal.Audit.Findings;

namespace Hopseal.Audit.Output;

/// <summary>SARIF 2.1.0, for code scanning: one run, a rule for each check, a result for each finding that is not fine.</summary>
public static class AuditSarif
{
    static readonly JsonSerializerOptions s_indented = new() { WriteIndented = true };

    public static void Write(IReadOnlyCollection<AuditReport> reports, string version, TextWriter output)
    {
        ArgumentNullException.ThrowIfNull(reports);
        ArgumentNullException.ThrowIfNull(output);
        var rules = CheckIds.All.Order(StringComparer.Ordinal).ToArray();
        var sarif = new JsonObject
        {
            ["$schema"] = "https://json.schemastore.org/sarif-2.1.0.json",
            ["version"] = "2.1.0",
            ["runs"] = new JsonArray(new JsonObject
            {
                ["tool"] = new JsonObject
                {
                    ["driver"] = new JsonObject
                    {
                        ["name"] = "hopseal check",
                        ["version"] = version,
                        ["rules"] = new JsonArray([.. rules.Select(id => new JsonObject { ["id"] = id })]),
                    },
                },
                ["results"] = new JsonArray([.. reports.SelectMany(report => report.Findings.Where(IsTold).Select(finding => Result(report, finding)))]),
            }),
        };
        output.WriteLine(sarif.ToJsonString(s_indented));
    }

    static JsonObject Result(AuditReport report, Finding finding) => new()
    {
        ["ruleId"] = finding.Id,
        ["level"] = finding.Verdict switch { Verdict.Fail => "error", Verdict.Warn => "warning", _ => "note" },
        ["message"] = new JsonObject { ["text"] = string.Join("\n", [$"{finding.Subject}: {finding.Title}", .. finding.Evidence, finding.Remedy?.Text ?? ""]).TrimEnd() },
        ["locations"] = new JsonArray(new JsonObject
        {
            ["logicalLocations"] = new JsonArray(new JsonObject { ["fullyQualifiedName"] = $"{report.Facts.Target}/{finding.Subject}", ["kind"] = "resource" }),
        }),
        ["partialFingerprints"] = new JsonObject { ["hopseal/v1"] = $"{report.Facts.Target}|{finding.Subject}|{finding.Id}" },
    };

    static bool IsTold(Finding finding) => finding.Verdict is Verdict.Fail or Verdict.Warn or Verdict.Unknown;
}
