using Microsoft.Data.Sqlite;

namespace Hopseal.Relay.Stores.Sqlite;

/// <summary>How connections to the database are opened.</summary>
static class QueueDatabase
{
    // Measured with messages of 10 KiB: pages of 8 KiB take half as long to commit as the usual 4 KiB; larger ones gain nothing.
    const int PageOctets = 8 * 1024;

    /// <summary>The log is copied into the database when it has grown to 32 MiB: often enough to stay small, seldom enough
    /// not to be felt.</summary>
    const int CheckpointPages = 32 * 1024 * 1024 / PageOctets;

    /// <summary>Free pages that stay, 64 MiB: the next messages use them.</summary>
    public const long SparePages = 64 * 1024 * 1024 / PageOctets;

    /// <summary>Shortens the file by 4 MiB. It does nothing to one that was made without auto_vacuum.</summary>
    public const string GiveBack = "PRAGMA incremental_vacuum(512)";

    /// <summary>What a log that a long reader let grow is cut back to.</summary>
    const int LogOctets = 64 * 1024 * 1024;

    /// <summary>Opens the database to write, creates it where it is missing, and brings its schema up to date.</summary>
    public static QueueRows Create(string file, InFlight inFlight)
    {
        if (!File.Exists(file))
        {
            // It holds mail. SQLite gives the log the mode of the database.
            PrivateFile.Create(file);
        }

        var connection = Connect(file);
        try
        {
            Schema.BringUpToDate(connection);
            return new QueueRows(connection, inFlight);
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    /// <summary>Opens it again: a database that has gone is an error then, not a new queue.</summary>
    public static QueueRows OpenToWrite(string file, InFlight inFlight) => new(Connect(file), inFlight);

    static SqliteConnection Connect(string file)
    {
        var connection = new SqliteConnection(new SqliteConnectionStringBuilder
        {
            DataSource = file,
            Mode = SqliteOpenMode.ReadWrite,
            Pooling = false,
        }.ToString());
        try
        {
            connection.Open();
            using var set = connection.CreateCommand();
#pragma warning disable CA2100 // constants of this file
            set.CommandText = $"""
                PRAGMA page_size = {PageOctets};
                PRAGMA auto_vacuum = INCREMENTAL;
                PRAGMA journal_mode = WAL;
                PRAGMA synchronous = FULL;
                PRAGMA wal_autocheckpoint = {CheckpointPages};
                PRAGMA journal_size_limit = {LogOctets};
                PRAGMA cache_size = -16384;
                """;
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
