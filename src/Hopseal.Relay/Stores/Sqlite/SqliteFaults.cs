using Hopseal.Relay.Queue;
using Microsoft.Data.Sqlite;

namespace Hopseal.Relay.Stores.Sqlite;

/// <summary>What SQLite's result codes mean to the queue (https://sqlite.org/rescode.html).</summary>
static class SqliteFaults
{
    const int IoError = 10;
    const int Corrupt = 11;
    const int Full = 13;
    const int CannotOpen = 14;
    const int NotADatabase = 26;

    public static QueueStoreException ToStoreException(this SqliteException e, bool committing) => e.SqliteErrorCode switch
    {
        Full => new QueueStoreException("no space is left for the queue", e) { IsFull = true },
        IoError => new QueueStoreException($"the queue's disk failed: {e.Message}", e) { MayBeKept = committing },
        Corrupt or NotADatabase => new QueueStoreException($"the queue's database is damaged: {e.Message}", e),
        _ => new QueueStoreException($"the queue's database failed: {e.Message}", e),
    };

    /// <summary>After these the connection may believe something that the disk does not hold (a failed fsync may have dropped
    /// the pages it was asked to write): only a new one reads what is really there.</summary>
    public static bool SpoilsTheConnection(this SqliteException e) =>
        e.SqliteErrorCode is IoError or Corrupt or CannotOpen or NotADatabase;
}
