using System.Collections.Immutable;
using System.Globalization;
using Microsoft.Data.Sqlite;

namespace Hopseal.Reports.Store;

/// <summary>The tables of one who tells, as the list of steps that made them. Steps are added at the end and never changed. Times are UNIX
/// milliseconds. Each part counts its own steps, so that parts need not know each other.</summary>
/// <param name="Name">Never changes.</param>
public sealed record SchemaPart(string Name, ImmutableArray<string> Steps)
{
    /// <summary>Takes the steps that are missing, each in a transaction of its own.</summary>
    /// <exception cref="InvalidDataException">A newer program has been here.</exception>
    internal void BringUpToDate(SqliteConnection connection)
    {
        using var ask = connection.CreateCommand();
        ask.CommandText = "CREATE TABLE IF NOT EXISTS parts (name TEXT PRIMARY KEY, version INTEGER NOT NULL) STRICT; SELECT version FROM parts WHERE name = $name";
        ask.Parameters.AddWithValue("$name", Name);
        var version = Convert.ToInt32(ask.ExecuteScalar() ?? 0, CultureInfo.InvariantCulture);
        if (version > Steps.Length)
        {
            throw new InvalidDataException($"{connection.DataSource} has version {version} of its {Name}, this program knows {Steps.Length}");
        }

        for (; version < Steps.Length; version++)
        {
            using var transaction = connection.BeginTransaction(deferred: false);
            using var step = connection.CreateCommand();
            step.Transaction = transaction;
#pragma warning disable CA2100 // constants of the program
            step.CommandText = Steps[version];
#pragma warning restore CA2100
            step.ExecuteNonQuery();
            using var count = connection.CreateCommand();
            count.Transaction = transaction;
            count.CommandText = "INSERT INTO parts VALUES ($name, $version) ON CONFLICT (name) DO UPDATE SET version = excluded.version";
            count.Parameters.AddWithValue("$name", Name);
            count.Parameters.AddWithValue("$version", version + 1);
            count.ExecuteNonQuery();
            transaction.Commit();
        }
    }
}
