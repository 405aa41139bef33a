using System.Collections.Immutable;
using Hopseal.Relay.Queue;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Hopseal.Relay.Stores.Sqlite;

/// <summary>The queue in one SQLite database (<c>queue.db</c>, write-ahead log, flushed at every commit) and a spool of large
/// content beside it. One gateway per data directory; other programs may read along.</summary>
/// <remarks>All writing goes through one <see cref="GroupingWriter"/>; reading uses pooled read-only connections, which the
/// writer never waits for. Space that messages leave is used again; what a
/// large backlog leaves goes back to the disk while there is nothing else to do.</remarks>
public sealed partial class SqliteQueueStore : IQueueStore
{
    /// <summary>What a work costs beside its content, roughly.</summary>
    const int RowOctets = 1024;

    const string FileName = "queue.db";

    readonly DirectoryLock _lock;
    readonly GroupingWriter _writer;
    readonly Readers _readers;
    readonly InFlight _inFlight = new();
    readonly CancellationTokenSource _closing = new();
    readonly ILogger _log;
    bool _disposed;

    SqliteQueueStore(string directory, ILogger log)
    {
        DirectorySync.Create(directory);
        _log = log;
        _lock = DirectoryLock.Take(directory);
        try
        {
            Spool = new Spool(Path.Combine(directory, "spool"));
            var file = Path.Combine(directory, FileName);
            _readers = new Readers(file);
            _writer = new GroupingWriter(QueueDatabase.Create(file, _inFlight), () => QueueDatabase.OpenToWrite(file, _inFlight));
        }
        catch
        {
            _lock.Dispose();
            throw;
        }

        Sweep = Task.Run(SweepAsync);
    }

    /// <summary>Where large content is written before it is added.</summary>
    public Spool Spool { get; }

    /// <summary>Transactions committed so far: less than the calls that asked for them, when calls came together.</summary>
    internal long Transactions => _writer.Transactions;

    /// <summary>The removal of content that no message needs, which a crash left behind; in the background.</summary>
    internal Task Sweep { get; }

    /// <summary>Opens the queue of a data directory, and creates both where they are missing.</summary>
    /// <exception cref="QueueStoreException">The directory is in use by another gateway, cannot be written, or its database is
    /// damaged or from a newer version.</exception>
    public static SqliteQueueStore Open(string directory, ILogger<SqliteQueueStore>? log = null)
    {
        try
        {
            return new SqliteQueueStore(Path.GetFullPath(directory), log ?? NullLogger<SqliteQueueStore>.Instance);
        }
        catch (SqliteException e)
        {
            throw new QueueStoreException($"the queue in {directory} cannot be opened: {e.Message}", e);
        }
        catch (Exception e) when (e is IOException and not QueueStoreException or UnauthorizedAccessException)
        {
            throw new QueueStoreException($"the queue in {directory} cannot be opened: {e.Message}", e);
        }
    }

    /// <inheritdoc/>
    /// <remarks>Adding an id that is there already changes nothing. A <see cref="StoredMessage.ContentFile"/> is this store's from the
    /// call on: when the message is not kept, neither is its file.</remarks>
    public async ValueTask<ImmutableArray<QueueLease>> AddAsync(StoredMessage message, LeaseTerms? terms, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(message);
        RequireReadable(message);
        _leasing |= terms is not null;
        var reservations = terms is null ? null : new Reservations(terms.Taker);
        try
        {
            return await _writer.DoAsync(
                rows =>
                {
                    reservations?.Undo();
                    return rows.Add(message, terms, reservations);
                },
                message.Content.Length + RowOctets,
                cancel,
                (_, leases) => Begin(leases));
        }
        catch (Exception e)
        {
            reservations?.Undo();
            if (message.ContentFile is not null && e is not QueueStoreException { MayBeKept: true })
            {
                Discard(message.ContentFile);
            }

            throw;
        }
    }

    /// <inheritdoc/>
    /// <remarks>An entry that is leased is not leased again before it is settled or returned, however long that takes.</remarks>
    public async ValueTask<LeaseScan> LeaseDueAsync(LeaseTerms terms, int limit, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(terms);
        _leasing = true;
        var reservations = new Reservations(terms.Taker);
        try
        {
            return await _writer.DoAsync(
                rows =>
                {
                    // Not the first time if an earlier one was rolled back.
                    reservations.Undo();
                    if (!rows.Recovered)
                    {
                        rows.Leases.Recover(terms.Now);
                    }

                    return rows.Due.Lease(terms, limit, reservations);
                },
                RowOctets,
                cancel,
                (rows, scan) =>
                {
                    rows.Recovered = true;
                    rows.Due.Keep();
                    Begin(scan.Leases);
                });
        }
        catch
        {
            reservations.Undo();
            throw;
        }
    }

    /// <inheritdoc/>
    /// <remarks>When this fails, the leases stay: call it again.</remarks>
    public async ValueTask ReturnAsync(ImmutableArray<QueueLease> leases, CancellationToken cancel) => await _writer.DoAsync(
        rows =>
        {
            foreach (var lease in leases)
            {
                rows.Leases.Return(lease);
            }

            return leases;
        },
        RowOctets,
        cancel,
        (_, leases) => End(leases));

    /// <inheritdoc/>
    public ValueTask<Stream> OpenContentAsync(QueueId id, CancellationToken cancel) => ReadAsync<Stream>(
        """
        SELECT m.content_file, c.content FROM messages m LEFT JOIN contents c ON c.message = m.number WHERE m.id = ?1
        """,
        rows =>
        {
            if (!rows.Read())
            {
                throw new QueueStoreException($"message {id} is not in the queue");
            }

            return rows.IsDBNull(0)
                ? new MemoryStream(rows.GetOctets(1), writable: false)
                : Spool.Open(rows.GetString(0));
        },
        cancel,
        id.Text);

    /// <inheritdoc/>
    /// <remarks>When this fails, the lease stays: call it again. Doing it twice does it once.</remarks>
    public async ValueTask SettleAsync(
        QueueLease lease, Settlement settlement, ImmutableArray<StoredMessage> reports, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(lease);
        ArgumentNullException.ThrowIfNull(settlement);
        if (settlement.Outcomes.Length != lease.Pending.Recipients.Length)
        {
            throw new ArgumentException("one outcome per recipient of the lease", nameof(settlement));
        }

        foreach (var report in reports)
        {
            RequireReadable(report);
        }

        var unneeded = await _writer.DoAsync(
            rows =>
            {
                foreach (var report in reports)
                {
                    rows.Add(report);
                }

                return rows.Settlements.Settle(lease, settlement);
            },
            RowOctets + reports.Sum(report => report.Content.Length),
            cancel,
            (_, _) => _inFlight.End(lease));
        if (unneeded is not null)
        {
            Discard(unneeded);
        }
    }

    /// <inheritdoc/>
    public ValueTask<long> CountAsync(CancellationToken cancel) => ReadAsync(
        "SELECT count(*) FROM messages",
        rows => rows.Read() ? rows.GetInt64(0) : 0,
        cancel);

    public async ValueTask DisposeAsync()
    {
        if (_disposed)
        {
            return;
        }

        _disposed = true;
        await _closing.CancelAsync();
        await Sweep;
        _readers.Dispose();
        await _writer.EndAsync();
        _lock.Dispose();
        _closing.Dispose();
    }

    /// <summary>Runs work in the writer: for tests that fill the disk.</summary>
    internal ValueTask<T> DoAsync<T>(Func<QueueRows, T> work, CancellationToken cancel) => _writer.DoAsync(work, 0, cancel);

    void Begin(ImmutableArray<QueueLease> leases)
    {
        foreach (var lease in leases)
        {
            _inFlight.Begin(lease);
        }
    }

    void End(ImmutableArray<QueueLease> leases)
    {
        foreach (var lease in leases)
        {
            _inFlight.End(lease);
        }
    }

    /// <summary>Refuses at the door what would block the queue later.</summary>
    static void RequireReadable(StoredMessage message)
    {
        if (message.Envelope.Recipients.IsDefaultOrEmpty)
        {
            throw new ArgumentException("a message without recipients would never leave the queue", nameof(message));
        }

        if (!message.Envelope.Recipients.All(recipient => MailboxText.CanRead(recipient.Mailbox))
            || message.Envelope.ReturnPath is { } returnPath && !MailboxText.CanRead(returnPath))
        {
            throw new ArgumentException("an address of the envelope cannot be written as text", nameof(message));
        }
    }

    /// <summary>SQLite answers from memory or after one read; its own asynchronous methods do the same.</summary>
    ValueTask<T> ReadAsync<T>(string sql, Readers.Reading<T> read, CancellationToken cancel, params ReadOnlySpan<Statement.Value> values)
    {
        if (cancel.IsCancellationRequested)
        {
            return ValueTask.FromCanceled<T>(cancel);
        }

        try
        {
            return ValueTask.FromResult(_readers.Read(sql, read, values));
        }
        catch (QueueStoreException e)
        {
            return ValueTask.FromException<T>(e);
        }
        catch (IOException e)
        {
            return ValueTask.FromException<T>(new QueueStoreException($"the queue's spool cannot be read: {e.Message}", e));
        }
    }

    /// <summary>A file that stays after its message costs space until the next start, and nothing else.</summary>
    void Discard(string contentFile)
    {
        try
        {
            Spool.Delete(contentFile);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            LogFileStays(_log, e, contentFile);
        }
    }

    async Task SweepAsync()
    {
        try
        {
            var deleted = Spool.DeleteArrivedBefore(_lock.TakenAt, _closing.Token);
            foreach (var file in Spool.FilesBefore(_lock.TakenAt))
            {
                var needed = await ReadAsync(
                    "SELECT 1 FROM messages WHERE id = ?1", rows => rows.Read(), _closing.Token, Path.GetFileName(file));
                if (!needed)
                {
                    Spool.Delete(file);
                    deleted++;
                }
            }

            if (deleted > 0)
            {
                LogSwept(_log, deleted);
            }
        }
        catch (OperationCanceledException)
        {
            // The next start goes on.
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            LogSweepFailed(_log, e);
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "The content file {File} could not be removed; the next start tries again")]
    static partial void LogFileStays(ILogger log, Exception e, string file);

    [LoggerMessage(Level = LogLevel.Information, Message = "Removed {Count} content files that no message needs")]
    static partial void LogSwept(ILogger log, int count);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Could not look for content files that no message needs; the next start tries again")]
    static partial void LogSweepFailed(ILogger log, Exception e);
}
