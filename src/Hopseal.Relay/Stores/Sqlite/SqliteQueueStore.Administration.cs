using System.Collections.Immutable;
using Hopseal.Relay.Queue;

namespace Hopseal.Relay.Stores.Sqlite;

/// <summary>What an operator sees of the queue and does to it.</summary>
public sealed partial class SqliteQueueStore
{
    /// <summary>Leases are given since it was opened: what is written down as leased then is.</summary>
    volatile bool _leasing;

    /// <summary>Whether <see cref="Open"/> would find a queue, and not make one.</summary>
    public static bool Exists(string directory) => File.Exists(Path.Combine(directory, FileName));

    /// <summary>Entries in the order of arrival.</summary>
    /// <param name="after"><see cref="QueuePosition.Start"/>, or where the page before ended.</param>
    /// <param name="limit">At least 1.</param>
    /// <exception cref="QueueStoreException">The queue cannot be read.</exception>
    public ValueTask<QueuePage> ListAsync(QueueSelection selection, QueuePosition after, int limit, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(selection);
        cancel.ThrowIfCancellationRequested();
        return ValueTask.FromResult(new QueueListing(_readers).Read(selection, after, limit, _leasing));
    }

    /// <summary>Entries behind a place.</summary>
    /// <exception cref="QueueStoreException">The queue cannot be read.</exception>
    public ValueTask<long> CountAsync(QueueSelection selection, QueuePosition after, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(selection);
        cancel.ThrowIfCancellationRequested();
        return ValueTask.FromResult(new QueueListing(_readers).Count(selection, after, _leasing));
    }

    /// <summary>Null when it is not in the queue.</summary>
    /// <exception cref="QueueStoreException">The queue cannot be read.</exception>
    public ValueTask<QueuedMessage?> FindAsync(QueueId id, CancellationToken cancel)
    {
        cancel.ThrowIfCancellationRequested();
        return ValueTask.FromResult(new QueueListing(_readers).Find(id, _leasing));
    }

    /// <summary>How much is in the queue. Costs a look at every entry: for now and then, not for each who asks.</summary>
    /// <exception cref="QueueStoreException">The queue cannot be read.</exception>
    public ValueTask<QueueDepth> MeasureAsync(CancellationToken cancel) => ReadAsync(
        """
        SELECT (SELECT count(*) FROM messages), (SELECT count(*) FROM entries), (SELECT count(*) FROM entries WHERE held = 1),
            (SELECT received_at FROM messages ORDER BY number LIMIT 1)
        """,
        rows => rows.Read()
            ? new QueueDepth(
                rows.GetInt64(0), rows.GetInt64(1), rows.GetInt64(2), rows.IsDBNull(3) ? null : DateTimeOffset.FromUnixTimeMilliseconds(rows.GetInt64(3)))
            : new QueueDepth(0, 0, 0, null),
        cancel);

    /// <summary>Does one thing to entries, in one transaction: some hundred at most, because everybody waits for it. Whether an
    /// attempt is under way is decided in the same place as whether one may begin.</summary>
    /// <returns>What became of each, in their order.</returns>
    /// <exception cref="QueueStoreException">Nothing was done.</exception>
    public async ValueTask<ImmutableArray<EntryChange>> ChangeAsync(
        QueueAction action, ImmutableArray<EntryKey> entries, DateTimeOffset now, CancellationToken cancel)
    {
        var unneeded = new List<string>();
        var changes = await _writer.DoAsync(
            rows =>
            {
                // Not the first time if an earlier one was rolled back.
                unneeded.Clear();
                return entries.Select(key => rows.Administration.Change(action, key, now, unneeded)).ToImmutableArray();
            },
            RowOctets * entries.Length,
            cancel);
        unneeded.ForEach(Discard);
        return changes;
    }
}
