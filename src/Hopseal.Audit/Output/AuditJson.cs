using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Serialization;
using Hopseal.Audit.Checks;
using Hopseal.Audit.Facts;
using Hopseal.Audit.Findings;
using Hopseal.Audit.Profiles;

namespace Hopseal.Audit.Output;

/// <summary>One report as it is published: <c>docs/schema/audit-1.json</c> describes it.</summary>
/// <param name="SchemaVersion">The first number changes when a reader has to.</param>
/// <param name="Scanner">Who looked.</param>
public sealed record AuditDocument(
    string SchemaVersion,
    string Scanner,
    string Target,
    DateTimeOffset At,
    string Profile,
    Verdict Confidential,
    Verdict Authenticated,
    Verdict Watched,
    ImmutableArray<Finding> Findings,
    AuditFacts Facts)
{
    public const string Version = "1.0";

    public static AuditDocument Of(AuditReport report, string scanner)
    {
        ArgumentNullException.ThrowIfNull(report);
        return new AuditDocument(
            Version, scanner, report.Facts.Target, report.Facts.At, report.Profile, report.Confidential, report.Authenticated, report.Watched,
            report.Findings, report.Facts);
    }

    /// <summary>Judges the stored facts again.</summary>
    public AuditReport Rejudge(Profile profile) => Judge.Of(Facts, profile);
}

/// <summary>Reads and writes documents.</summary>
public static class AuditJson
{
    static readonly JsonSerializerOptions s_line = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.CamelCase) },
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        RespectRequiredConstructorParameters = false,
        MaxDepth = 32,
    };

    static readonly JsonSerializerOptions s_pretty = new(s_line) { WriteIndented = true };

    public static string Write(AuditDocument document, bool indented) => JsonSerializer.Serialize(document, indented ? s_pretty : s_line);

    /// <exception cref="InvalidDataException">It is no report, or one of another major version; the message says so.</exception>
    public static AuditDocument Read(string json)
    {
        try
        {
            var document = JsonSerializer.Deserialize<AuditDocument>(json, s_line) ?? throw new InvalidDataException("it is null");
            return document.SchemaVersion?.Split('.')[0] == AuditDocument.Version.Split('.')[0] && document.Facts is not null
                ? document
                : throw new InvalidDataException($"it is no audit report of version {AuditDocument.Version}");
        }
        catch (JsonException e)
        {
            throw new InvalidDataException($"it is no audit report: {e.Message}", e);
        }
    }
}
