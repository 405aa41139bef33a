using Hopseal.Relay;
using Hopseal.Reports.Store;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging;

namespace Hopseal.Reports.Sessions;

/// <summary>Keeps what happened: a reader of <see cref="SessionFanout"/>. It gathers records for a moment and writes them in one go; what cannot be
/// written is counted.</summary>
public sealed partial class SessionStore(RecordsDatabase database, RecordsOptions options, TimeProvider clock, ILogger<SessionStore> log) : ISessionSink
{
    const int MostGathered = 250;

    /// <summary>Batches that wait for a slow disk: 50,000 records, some tens of MiB.</summary>
    const int MostWaiting = 200;
    const int MostDeleted = 2_000;
    const long SumsDays = 400;

    readonly Lock _lock = new();
    readonly long _began = clock.GetTimestamp();
    List<object> _gathered = new(MostGathered);
    SessionRows? _rows;
    int _waiting;
    long _dropped;
    long _untold;

    /// <summary>Records that found no room because the database was too slow, or that it could not write.</summary>
    public long Dropped => Volatile.Read(ref _dropped);

    /// <summary>Between two writes of what has been gathered, when it is little.</summary>
    public static TimeSpan WriteInterval { get; } = TimeSpan.FromMilliseconds(250);

    /// <summary>Between two looks for what is too old.</summary>
    public static TimeSpan CleanInterval { get; } = TimeSpan.FromMinutes(10);

    /// <summary>The tables that it needs.</summary>
    public static SchemaPart Tables => SessionTables.Part;

    public bool TryRecord(SessionRecord record) => Gather(record);

    public bool TryRecord(DeliveryAttempt attempt) => Gather(attempt);

    /// <summary>Hands over what has been gathered; false when it found no room.</summary>
    public bool Write()
    {
        List<object> batch;
        lock (_lock)
        {
            if (_gathered.Count == 0)
            {
                return true;
            }

            batch = _gathered;
            _gathered = new List<object>(MostGathered);
        }

        if (Interlocked.Increment(ref _waiting) <= MostWaiting
            && database.TryPost(connection => Write(connection, batch), written => Settle(batch.Count, written)))
        {
            return true;
        }

        Settle(batch.Count, written: false);
        return false;
    }

    /// <summary>Deletes what is too old or too much, in steps that let others write between them. A database that cannot be written is told, and
    /// left for the next time.</summary>
    public async Task CleanAsync(CancellationToken cancel)
    {
        try
        {
            await DeleteOldAsync(cancel);
        }
        catch (SqliteException e)
        {
            LogNotCleaned(log, e);
        }
    }

    async Task DeleteOldAsync(CancellationToken cancel)
    {
        var now = Believed(clock.GetUtcNow().ToUnixTimeMilliseconds());
        var oldest = now - (options.Days * Times.Day);
        long deleted = 0;
        foreach (var table in (string[])["sessions", "attempts"])
        {
            deleted += await DeleteAsync(
                $"DELETE FROM {table} WHERE id IN (SELECT id FROM {table} WHERE ended < $1 ORDER BY ended LIMIT {MostDeleted})", oldest, cancel);
            deleted += await DeleteAsync(
                $"DELETE FROM {table} WHERE id <= (SELECT max(id) FROM {table}) - $1 AND id < (SELECT min(id) FROM {table}) + {MostDeleted}", options.MostSessions, cancel);
        }

        await DeleteAsync($"DELETE FROM traffic WHERE hour < $1", (now / Times.Hour) - (SumsDays * 24), cancel);
        await DeleteAsync($"DELETE FROM destination_days WHERE (domain, day) IN (SELECT domain, day FROM destination_days WHERE day < $1 LIMIT {MostDeleted})", (now / Times.Day) - SumsDays, cancel);
        await DeleteAsync($"DELETE FROM destinations WHERE domain IN (SELECT domain FROM destinations WHERE last_at < $1 LIMIT {MostDeleted})", now - (SumsDays * Times.Day), cancel);
        deleted += await DeleteAsync($"DELETE FROM peers WHERE peer IN (SELECT peer FROM peers WHERE last_at < $1 LIMIT {MostDeleted})", oldest, cancel);
        if (deleted > 0)
        {
            await database.WriteAsync(
                connection =>
                {
                    _rows?.Forget();
                    Execute(connection, "PRAGMA incremental_vacuum(2000)");
                },
                cancel);
            LogCleaned(log, deleted);
        }
    }

    /// <summary>A machine that starts years ahead, until somebody tells it the time, must not cost the records of those years: a time is believed when the clock says so for
    /// a day, or there was a session a day before.</summary>
    long Believed(long now)
    {
        if (clock.GetElapsedTime(_began) >= TimeSpan.FromDays(1))
        {
            return now;
        }

        using var connection = database.OpenReader();
        return connection.Number("SELECT max(ended) FROM sessions WHERE ended < $yesterday", ("$yesterday", now - Times.Day)) is { } before ? Math.Min(now, before + Times.Day) : now;
    }

    /// <summary>Hands over what has been gathered, and lets go of the database as soon as that is written.</summary>
    public void Close()
    {
        Write();
        database.TryPost(_ =>
        {
            _rows?.Dispose();
            _rows = null;
        });
    }

    async Task<long> DeleteAsync(string sql, long bound, CancellationToken cancel)
    {
        var all = 0L;
        while (true)
        {
            var some = 0;
            await database.WriteAsync(connection => some = Execute(connection, sql, bound), cancel);
            all += some;
            if (some < MostDeleted)
            {
                return all;
            }
        }
    }

    static int Execute(SqliteConnection connection, string sql, long? bound = null)
    {
        using var command = connection.CreateCommand();
#pragma warning disable CA2100 // constants of this file
        command.CommandText = sql;
#pragma warning restore CA2100
        if (bound is { } value)
        {
            command.Parameters.AddWithValue("$1", value);
        }

        return command.ExecuteNonQuery();
    }

    bool Gather(object record)
    {
        if (options.Days == 0)
        {
            return true;
        }

        bool full;
        lock (_lock)
        {
            _gathered.Add(record);
            full = _gathered.Count >= MostGathered;
        }

        return !full || Write();
    }

    void Settle(int records, bool written)
    {
        Interlocked.Decrement(ref _waiting);
        if (!written)
        {
            Interlocked.Add(ref _dropped, records);
            Interlocked.Add(ref _untold, records);
        }
        else if (Interlocked.Exchange(ref _untold, 0) is > 0 and var missing)
        {
            LogDropped(log, missing);
        }
    }

    void Write(SqliteConnection connection, List<object> batch)
    {
        _rows ??= new SessionRows(connection);
        try
        {
            foreach (var record in batch)
            {
                if (record is SessionRecord session)
                {
                    _rows.Write(session);
                }
                else
                {
                    _rows.Write((DeliveryAttempt)record);
                }
            }

            _rows.WriteSums();
        }
        catch
        {
            _rows.Forget();
            throw;
        }
    }

    [LoggerMessage(EventId = 2712, Level = LogLevel.Warning, Message = "{Missing} records of sessions and attempts are missing: they could not be written, or not soon enough")]
    static partial void LogDropped(ILogger log, long missing);

    [LoggerMessage(EventId = 2713, Level = LogLevel.Warning, Message = "Old records of sessions and attempts could not be deleted; it is tried again")]
    static partial void LogNotCleaned(ILogger log, Exception e);

    [LoggerMessage(EventId = 2711, Level = LogLevel.Debug, Message = "{Deleted} records of sessions, attempts and peers were old, and deleted")]
    static partial void LogCleaned(ILogger log, long deleted);
}
