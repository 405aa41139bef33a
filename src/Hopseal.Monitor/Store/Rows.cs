using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Serialization;
using Hopseal.Audit.Findings;
using Microsoft.Data.Sqlite;

namespace Hopseal.Monitor.Store;

/// <summary>What stands in columns. Whatever a file says becomes a value or is left out.</summary>
static class Rows
{
    public static long Number(DateTimeOffset time) => time.ToUnixTimeMilliseconds();

    public static long? Number(DateTimeOffset? time) => time?.ToUnixTimeMilliseconds();

    public static Verdict VerdictOf(SqliteDataReader row, int column) =>
        row.GetInt64(column) is >= (long)Verdict.Ok and <= (long)Verdict.Unknown and var number ? (Verdict)number : Verdict.Unknown;

    public static WatchedAs KindOf(SqliteDataReader row, int column) => row.GetInt64(column) == (long)WatchedAs.Own ? WatchedAs.Own : WatchedAs.Partner;

    public static string? Write(ImmutableArray<UnansweredPart> parts) => parts.IsEmpty ? null : JsonSerializer.Serialize(parts, RowsJson.Default.ImmutableArrayUnansweredPart);

    /// <summary>Nothing of a text that is damaged: the next look says it again.</summary>
    public static ImmutableArray<UnansweredPart> Parts(string? json)
    {
        try
        {
            var parts = json is null ? [] : JsonSerializer.Deserialize(json, RowsJson.Default.ImmutableArrayUnansweredPart);
            return parts.IsDefault ? [] : [.. parts.Where(part => part is { Part: not null, Why: not null })];
        }
        catch (JsonException)
        {
            return [];
        }
    }
}

[JsonSerializable(typeof(ImmutableArray<UnansweredPart>))]
sealed partial class RowsJson : JsonSerializerContext;
