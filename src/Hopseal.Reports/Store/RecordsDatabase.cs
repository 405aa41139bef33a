using System.Collections.Immutable;
using System.Threading.Channels;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging;

namespace Hopseal.Reports.Store;

/// <summary>The database of what is told: sessions, alerts, reports. It is not the queue's: mail goes on when this one cannot be written,
/// and its commits are not flushed one by one, so that a power cut may cost the last second; only those that ask for it are.</summary>
/// <remarks>One thread writes and groups what waits into one transaction; a work that fails does not fail the others of its group. Readers
/// have connections of their own and never wait for it. A thread and not a task: a pool thread that waits for the disk is one less for sessions.</remarks>
public sealed partial class RecordsDatabase : IAsyncDisposable
{
    public const string FileName = "records.db";

    const int Capacity = 20_000;
    const int MaxGroup = 1_000;

    static readonly TimeSpan s_patience = TimeSpan.FromSeconds(30);
    static readonly TimeSpan s_patienceAtEnd = TimeSpan.FromSeconds(2);

    readonly ILogger _log;
    readonly Channel<Work> _waiting = Channel.CreateBounded<Work>(
        new BoundedChannelOptions(Capacity) { FullMode = BoundedChannelFullMode.Wait, SingleReader = true });

    readonly SqliteConnection _writer;
    readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    long _lost;
    volatile bool _ending;
    bool _failing;

    // Since it began to fail.
    long _unwritten;

    RecordsDatabase(string file, SqliteConnection writer, ILogger log)
    {
        File = file;
        _writer = writer;
        _log = log;
        new Thread(Run) { Name = "Hopseal records writer", IsBackground = true }.Start();
    }

    public string File { get; }

    /// <summary>Posted works that were not written: there was no room for them, or the disk was full. Whoever wants to be told what became of his
    /// counts himself what was in it.</summary>
    public long Lost => Volatile.Read(ref _lost);

    /// <summary>Opens it, makes it where it is missing. One that SQLite cannot read is put aside, with an error in the log.</summary>
    /// <param name="patience">How long the writer waits for another process that holds the file, in whole seconds; 30 s by default.</param>
    /// <exception cref="IOException">It cannot be opened or made.</exception>
    /// <exception cref="InvalidDataException">A newer program has written it.</exception>
    public static RecordsDatabase Open(
        string dataDirectory, ImmutableArray<SchemaPart> parts, ILogger<RecordsDatabase> log, TimeSpan? patience = null)
    {
        Directory.CreateDirectory(dataDirectory);
        var file = Path.Combine(dataDirectory, FileName);
        try
        {
            return Begin();
        }
        catch (SqliteException e) when (e.SqliteErrorCode is Sqlite.Corrupt or Sqlite.NotADatabase)
        {
            var aside = Aside(file);
            LogPutAside(log, e, file, aside);
            return Begin();
        }
        catch (SqliteException e)
        {
            throw new IOException($"{file} cannot be opened: {e.Message}", e);
        }

        RecordsDatabase Begin()
        {
            var writer = Create(file, parts);
            writer.DefaultTimeout = (int)(patience ?? s_patience).TotalSeconds;
            return new RecordsDatabase(file, writer, log);
        }
    }

    /// <summary>Does the work in a transaction, soon. Never waits: false when too much waits already.</summary>
    /// <param name="work">May be called a second time if the first was rolled back, or not at all; must not keep the connection.</param>
    /// <param name="settled">Told once what became of it, if it was taken: true when it is committed. Must not throw. Without it, a work that is not
    /// done counts as <see cref="Lost"/>.</param>
    public bool TryPost(Action<SqliteConnection> work, Action<bool>? settled = null)
    {
        if (_waiting.Writer.TryWrite(new Work(work, null, settled)))
        {
            return true;
        }

        CountLost(settled);
        return false;
    }

    /// <summary>Completes when the work is committed.</summary>
    /// <param name="flushed">And on stable storage: for what somebody else then forgets, such as the queue.</param>
    /// <exception cref="SqliteException">It was not done.</exception>
    public async Task WriteAsync(Action<SqliteConnection> work, CancellationToken cancel, bool flushed = false)
    {
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await _waiting.Writer.WriteAsync(new Work(work, done, null, flushed), cancel);
        await done.Task.WaitAsync(cancel);
    }

    /// <summary>A connection that cannot write; the caller disposes it.</summary>
    public SqliteConnection OpenReader() => OpenToRead(File);

    /// <summary>The same of a file that another process may be writing to.</summary>
    public static SqliteConnection OpenToRead(string file) => Sqlite.OpenToRead(file);

    /// <summary>The end is near: the writer waits only a moment for another process that holds the file from now on. Whoever stops the gateway waits for
    /// what is written last, and kills it when that takes too long.</summary>
    public void Hasten() => _ending = true;

    /// <summary>Takes nothing more, writes what waits, and closes.</summary>
    public async ValueTask DisposeAsync()
    {
        Hasten();
        _waiting.Writer.TryComplete();
        await _ended.Task;
        await _writer.DisposeAsync();
    }

    static SqliteConnection Create(string file, ImmutableArray<SchemaPart> parts)
    {
        var connection = Sqlite.OpenToWrite(file);
        try
        {
            foreach (var part in parts)
            {
                part.BringUpToDate(connection);
            }

            return connection;
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    static string Aside(string file)
    {
        var aside = $"{file}.damaged-{Guid.NewGuid():N}";
        System.IO.File.Move(file, aside);
        foreach (var tail in (string[])["-wal", "-shm"])
        {
            System.IO.File.Delete(file + tail);
        }

        return aside;
    }

    void Run()
    {
        var group = new List<Work>();
        try
        {
            while (_waiting.Reader.WaitToReadAsync().AsTask().GetAwaiter().GetResult())
            {
                while (group.Count < MaxGroup && _waiting.Reader.TryRead(out var work))
                {
                    group.Add(work);
                }

                Write(group);
                group.Clear();
            }

            _ended.SetResult();
        }
#pragma warning disable CA1031 // The thread must not take the gateway with it. What is posted now finds no room.
        catch (Exception e)
#pragma warning restore CA1031
        {
            LogEnded(_log, e, File);
            _waiting.Writer.TryComplete();
            while (_waiting.Reader.TryRead(out var work))
            {
                group.Add(work);
            }

            group.ForEach(work => work.Done?.TrySetException(e));

            // It is told; whoever ends it has others to end.
            _ended.SetResult();
        }
    }

    void Write(List<Work> group)
    {
        // What cannot begin is no fault of a work: to try each alone would make all that come after them wait for each.
        var failure = TryWrite(group, out var begun);
        foreach (var work in group)
        {
            Settle(work, failure is not null && begun ? TryWrite([work], out _) : failure);
        }
    }

    Exception? TryWrite(List<Work> works, out bool begun)
    {
        begun = false;
        if (_ending)
        {
            _writer.DefaultTimeout = (int)Math.Min(_writer.DefaultTimeout, s_patienceAtEnd.TotalSeconds);
        }

        try
        {
            Sqlite.Flush(_writer, works.Any(work => work.Flushed));

            // Not an SqliteTransaction: prepared commands would have to be told of each.
            Execute("BEGIN IMMEDIATE");
            begun = true;
            foreach (var work in works)
            {
                work.Do(_writer);
            }

            Execute("COMMIT");
            return null;
        }
#pragma warning disable CA1031 // A defect in one work must not end the task that all wait for: it fails that work, and is told.
        catch (Exception e)
#pragma warning restore CA1031
        {
            RollBack();
            return e;
        }
    }

    /// <summary>SQLite has rolled back by itself after some errors, a full disk among them.</summary>
    void RollBack()
    {
        try
        {
            if (SQLitePCL.raw.sqlite3_get_autocommit(_writer.Handle) == 0)
            {
                Execute("ROLLBACK");
            }
        }
        catch (SqliteException)
        {
            // Why the work failed is known already; the next transaction cannot begin then, and tries this again.
        }
    }

    void Execute(string sql)
    {
        using var command = _writer.CreateCommand();
#pragma warning disable CA2100 // constants of this file
        command.CommandText = sql;
#pragma warning restore CA2100
        command.ExecuteNonQuery();
    }

    /// <summary>A full disk fails every work: it is told when it begins and when it ends.</summary>
    void Settle(Work work, Exception? failure)
    {
        work.Settled?.Invoke(failure is null);
        if (failure is null)
        {
            work.Done?.SetResult();
            if (_failing)
            {
                _failing = false;
                LogWrittenAgain(_log, File, _unwritten);
            }

            return;
        }

        if (work.Done is not null)
        {
            work.Done.SetException(failure);
        }
        else
        {
            CountLost(work.Settled);
        }

        _unwritten++;
        if (!_failing)
        {
            (_failing, _unwritten) = (true, 1);
            LogNotWritten(_log, failure, File);
        }
    }

    void CountLost(Action<bool>? settled)
    {
        if (settled is null)
        {
            Interlocked.Increment(ref _lost);
        }
    }

    [LoggerMessage(EventId = 2701, Level = LogLevel.Error, Message = "{File} is damaged and was put aside as {Aside}; a new one is begun")]
    static partial void LogPutAside(ILogger log, Exception e, string file, string aside);

    [LoggerMessage(EventId = 2702, Level = LogLevel.Error, Message = "{File} cannot be written; mail goes on, and what is not recorded is counted")]
    static partial void LogNotWritten(ILogger log, Exception e, string file);

    [LoggerMessage(EventId = 2704, Level = LogLevel.Error, Message = "{File} is no longer written, by a fault of ours; mail goes on")]
    static partial void LogEnded(ILogger log, Exception e, string file);

    [LoggerMessage(EventId = 2703, Level = LogLevel.Warning, Message = "{File} can be written again; {Times} times something was not written")]
    static partial void LogWrittenAgain(ILogger log, string file, long times);

    sealed record Work(Action<SqliteConnection> Do, TaskCompletionSource? Done, Action<bool>? Settled, bool Flushed = false);
}
