using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Schema;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
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

/// <summary>What a document came to, without what it was made of.</summary>
public sealed record AuditSummary(string Target, Verdict Overall, bool AnyUnknown);

/// <summary>Reads and writes documents.</summary>
public static class AuditJson
{
    static readonly JsonSerializerOptions s_line = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.CamelCase, allowIntegerValues: false) },
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        RespectRequiredConstructorParameters = false,
        MaxDepth = 32,
        TypeInfoResolver = new DefaultJsonTypeInfoResolver(),
    };

    static readonly JsonSerializerOptions s_pretty = new(s_line) { WriteIndented = true };

    /// <summary>For reading what is judged again. What a constructor takes has to be there; what was added later may be missing.</summary>
    static readonly JsonSerializerOptions s_strict = new(s_line)
    {
        Converters = { new NoNullElements() },
        RespectNullableAnnotations = true,
        TypeInfoResolver = new DefaultJsonTypeInfoResolver { Modifiers = { RequireWhatIsNeverNull } },
    };

    /// <summary>The published description of a document, as JSON Schema 2020-12.</summary>
    public static string Schema()
    {
        var schema = (JsonObject)JsonSchemaExporter.GetJsonSchemaAsNode(s_line, typeof(AuditDocument), new JsonSchemaExporterOptions
        {
            TreatNullObliviousAsNonNullable = true,
            TransformSchemaNode = RequireWhatIsAlwaysThere,
        });
        var published = new JsonObject
        {
            ["$schema"] = "https://json-schema.org/draft/2020-12/schema",
            ["title"] = $"A report of hopseal check, version {AuditDocument.Version}",
        };
        foreach (var (name, value) in schema.ToArray())
        {
            schema.Remove(name);
            published[name] = value;
        }

        return published.ToJsonString(s_pretty) + "\n";
    }

    /// <summary>What is null is left out when it is written; everything else is there.</summary>
    static JsonNode RequireWhatIsAlwaysThere(JsonSchemaExporterContext context, JsonNode node)
    {
        if (node is JsonObject schema && context.TypeInfo.Kind is JsonTypeInfoKind.Object)
        {
            schema["required"] = new JsonArray(
                [.. context.TypeInfo.Properties.Where(property => property.Get is not null && !property.IsGetNullable && Nullable.GetUnderlyingType(property.PropertyType) is null)
                    .Select(property => (JsonNode)property.Name)]);
        }

        return node;
    }

    static void RequireWhatIsNeverNull(JsonTypeInfo type)
    {
        foreach (var property in type.Properties)
        {
            if (property.AssociatedParameter is { HasDefaultValue: false, IsNullable: false })
            {
                property.IsRequired = true;
            }
        }
    }

    public static void WriteFacts(AuditFacts facts, Stream to) => JsonSerializer.Serialize(to, facts, s_strict);

    /// <exception cref="InvalidDataException">They are damaged, or of another major version; the message says so.</exception>
    public static AuditFacts ReadFacts(ReadOnlySpan<byte> json)
    {
        try
        {
            var facts = JsonSerializer.Deserialize<AuditFacts>(json, s_strict) ?? throw new InvalidDataException("they are null");
            return facts.FactsVersion.Split('.')[0] == AuditFacts.Version.Split('.')[0]
                ? facts
                : throw new InvalidDataException($"they are no facts of version {AuditFacts.Version}");
        }
        catch (JsonException e)
        {
            throw new InvalidDataException($"they are no facts: {e.Message}", e);
        }
    }

    public static string Write(AuditDocument document, bool indented) => JsonSerializer.Serialize(document, indented ? s_pretty : s_line);

    /// <exception cref="InvalidDataException">It is no report, or one of another major version; the message says so.</exception>
    public static AuditDocument Read(string json)
    {
        var document = Read<AuditDocument>(json, s_strict);
        return IsReadable(document.SchemaVersion) && document.Facts is not null ? document : throw NoReport();
    }

    /// <summary>As <see cref="Read(string)"/>, in a fraction of the time.</summary>
    /// <exception cref="InvalidDataException">It is no report, or one of another major version; the message says so.</exception>
    public static AuditSummary ReadSummary(string json)
    {
        var document = Read<Verdicts>(json, s_line);
        return IsReadable(document.SchemaVersion) && document.Target is not null && !document.Findings.IsDefault && !document.Findings.Contains(null!)
            ? new AuditSummary(
                document.Target, AuditReport.Worst([document.Confidential, document.Authenticated, document.Watched]),
                document.Findings.Any(finding => finding.Verdict is Verdict.Unknown))
            : throw NoReport();
    }

    static bool IsReadable(string? version) => version?.Split('.')[0] == AuditDocument.Version.Split('.')[0];

    static InvalidDataException NoReport() => new($"it is no audit report of version {AuditDocument.Version}");

    static T Read<T>(string json, JsonSerializerOptions options)
        where T : class
    {
        try
        {
            return JsonSerializer.Deserialize<T>(json, options) ?? throw new InvalidDataException("it is null");
        }
        catch (JsonException e)
        {
            throw new InvalidDataException($"it is no audit report: {e.Message}", e);
        }
    }

    /// <summary>The parts of a document that say what it came to.</summary>
    sealed record Verdicts(
        string? SchemaVersion, string? Target, Verdict Confidential, Verdict Authenticated, Verdict Watched, ImmutableArray<FindingVerdict> Findings);

    sealed record FindingVerdict(Verdict Verdict);
}
