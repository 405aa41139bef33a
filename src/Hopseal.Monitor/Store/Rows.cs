using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Serialization;
using Hopseal.Audit.Findings;
using Microsoft.Data.Sqlite;

namespace Hopseal.Monitor.Store;

/// <summary>How rows are asked for, and what stands in their columns. Whatever a file says becomes a value or is left out.</summary>
static class Rows
{
    static readonly long s_latest = DateTimeOffset.MaxValue.ToUnixTimeMilliseconds();

    public static int Run(SqliteConnection connection, string sql, params ReadOnlySpan<(string Name, object? Value)> parameters)
    {
        using var command = Command(connection, sql, parameters);
        return command.ExecuteNonQuery();
    }

    public static ImmutableArray<T> Read<T>(
        SqliteConnection connection, string sql, Func<SqliteDataReader, T> row, params ReadOnlySpan<(string Name, object? Value)> parameters)
    {
        using var command = Command(connection, sql, parameters);
        using var rows = command.ExecuteReader();
        var read = ImmutableArray.CreateBuilder<T>();
        while (rows.Read())
        {
            read.Add(row(rows));
        }

        return read.DrainToImmutable();
    }

    static SqliteCommand Command(SqliteConnection connection, string sql, ReadOnlySpan<(string Name, object? Value)> parameters)
    {
        var command = connection.CreateCommand();
#pragma warning disable CA2100 // constants of this directory
        command.CommandText = sql;
#pragma warning restore CA2100
        foreach (var (name, value) in parameters)
        {
            command.Parameters.AddWithValue(name, value ?? DBNull.Value);
        }

        return command;
    }

    public static long Number(DateTimeOffset time) => time.ToUnixTimeMilliseconds();

    public static long? Number(DateTimeOffset? time) => time?.ToUnixTimeMilliseconds();

    public static DateTimeOffset Time(SqliteDataReader row, int column) =>
        DateTimeOffset.FromUnixTimeMilliseconds(Math.Clamp(row.GetInt64(column), DateTimeOffset.UnixEpoch.ToUnixTimeMilliseconds(), s_latest));

    public static DateTimeOffset? TimeOrNull(SqliteDataReader row, int column) => row.IsDBNull(column) ? null : Time(row, column);

    public static long? NumberOrNull(SqliteDataReader row, int column) => row.IsDBNull(column) ? null : row.GetInt64(column);

    public static string? Text(SqliteDataReader row, int column) => row.IsDBNull(column) ? null : row.GetString(column);

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
