using Hopseal.Relay.Stores.Sqlite;
using Microsoft.Data.Sqlite;

namespace Hopseal.Reports.Store;

/// <summary>How connections to the database of records are opened.</summary>
static class Sqlite
{
    /// <summary>SQLITE_CORRUPT.</summary>
    public const int Corrupt = 11;

    /// <summary>SQLITE_NOTADB.</summary>
    public const int NotADatabase = 26;

    /// <summary>The log is cut back to so much after a long reader let it grow, 64 MiB.</summary>
    const int LogOctets = 64 * 1024 * 1024;

    public static SqliteConnection OpenToWrite(string file)
    {
        if (!File.Exists(file))
        {
            // Records name correspondents. SQLite gives the log the mode of the database.
            PrivateFile.Create(file);
        }

        return Open(
            new SqliteConnectionStringBuilder { DataSource = file, Mode = SqliteOpenMode.ReadWrite, Pooling = false },
            $"PRAGMA auto_vacuum = INCREMENTAL; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA journal_size_limit = {LogOctets}; PRAGMA cache_size = -16384");
    }

    public static SqliteConnection OpenToRead(string file) => Open(
        new SqliteConnectionStringBuilder { DataSource = file, Mode = SqliteOpenMode.ReadOnly, Pooling = false },
        "PRAGMA query_only = ON; PRAGMA cache_size = -8192");

    /// <summary>Whether the next commit returns only when it, and all before it, is on stable storage. Not within a transaction.</summary>
    public static void Flush(SqliteConnection connection, bool next)
    {
        using var set = connection.CreateCommand();
        set.CommandText = next ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL";
        set.ExecuteNonQuery();
    }

    static SqliteConnection Open(SqliteConnectionStringBuilder where, string pragmas)
    {
        var connection = new SqliteConnection(where.ToString());
        try
        {
            connection.Open();
            using var set = connection.CreateCommand();
#pragma warning disable CA2100 // constants of this file
            set.CommandText = pragmas;
#pragma warning restore CA2100
            set.ExecuteNonQuery();
            return connection;
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }
}
