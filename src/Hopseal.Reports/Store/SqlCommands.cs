using System.Collections.Immutable;
using Microsoft.Data.Sqlite;

namespace Hopseal.Reports.Store;

/// <summary>Statements with their values, which are never part of the text.</summary>
public static class SqlCommands
{
    static readonly long s_earliest = DateTimeOffset.UnixEpoch.ToUnixTimeMilliseconds();
    static readonly long s_latest = DateTimeOffset.MaxValue.ToUnixTimeMilliseconds();

    /// <param name="sql">A constant of the program.</param>
    public static SqliteCommand Command(this SqliteConnection connection, string sql, params ReadOnlySpan<(string Name, object? Value)> values)
    {
        ArgumentNullException.ThrowIfNull(connection);
        var command = connection.CreateCommand();
#pragma warning disable CA2100 // constants of the program
        command.CommandText = sql;
#pragma warning restore CA2100
        foreach (var (name, value) in values)
        {
            command.Parameters.AddWithValue(name, value ?? DBNull.Value);
        }

        return command;
    }

    /// <returns>The rows it changed.</returns>
    public static int Run(this SqliteConnection connection, string sql, params ReadOnlySpan<(string Name, object? Value)> values)
    {
        using var command = connection.Command(sql, values);
        return command.ExecuteNonQuery();
    }

    /// <summary>The number that it asks for; null for no row, or none in it.</summary>
    public static long? Number(this SqliteConnection connection, string sql, params ReadOnlySpan<(string Name, object? Value)> values)
    {
        using var command = connection.Command(sql, values);
        return command.ExecuteScalar() as long?;
    }

    /// <summary>Every row that it asks for.</summary>
    public static ImmutableArray<T> Read<T>(
        this SqliteConnection connection, string sql, Func<SqliteDataReader, T> of, params ReadOnlySpan<(string Name, object? Value)> values)
    {
        ArgumentNullException.ThrowIfNull(of);
        using var command = connection.Command(sql, values);
        using var rows = command.ExecuteReader();
        var read = ImmutableArray.CreateBuilder<T>();
        while (rows.Read())
        {
            read.Add(of(rows));
        }

        return read.DrainToImmutable();
    }

    public static string? TextOrNull(this SqliteDataReader reader, int column)
    {
        ArgumentNullException.ThrowIfNull(reader);
        return reader.IsDBNull(column) ? null : reader.GetString(column);
    }

    /// <summary>Of UNIX milliseconds. Whatever number stands there, it is a time from 1970 on.</summary>
    public static DateTimeOffset Time(this SqliteDataReader reader, int column)
    {
        ArgumentNullException.ThrowIfNull(reader);
        return DateTimeOffset.FromUnixTimeMilliseconds(Math.Clamp(reader.GetInt64(column), s_earliest, s_latest));
    }

    public static DateTimeOffset? TimeOrNull(this SqliteDataReader reader, int column)
    {
        ArgumentNullException.ThrowIfNull(reader);
        return reader.IsDBNull(column) ? null : reader.Time(column);
    }

    public static long? NumberOrNull(this SqliteDataReader reader, int column)
    {
        ArgumentNullException.ThrowIfNull(reader);
        return reader.IsDBNull(column) ? null : reader.GetInt64(column);
    }
}
