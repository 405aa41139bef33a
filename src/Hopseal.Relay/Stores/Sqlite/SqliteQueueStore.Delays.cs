using Hopseal.Relay.Queue;

namespace Hopseal.Relay.Stores.Sqlite;

/// <summary>Reports on delays.</summary>
public sealed partial class SqliteQueueStore
{
    /// <inheritdoc/>
    public ValueTask<DelayScan> FindDelayedAsync(DateTimeOffset receivedBefore, DelayCursor? after, CancellationToken cancel)
    {
        cancel.ThrowIfCancellationRequested();
        return ValueTask.FromResult(new DelayRows(_readers).Find(receivedBefore, after));
    }

    /// <inheritdoc/>
    public ValueTask<bool> WarnAsync(DelayedEntry entry, StoredMessage? report, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(entry);
        if (report is not null)
        {
            RequireReadable(report);
        }

        return _writer.DoAsync(
            rows =>
            {
                if (!rows.Warnings.TryWarn(entry))
                {
                    return false;
                }

                if (report is not null)
                {
                    rows.Add(report);
                }

                return true;
            },
            RowOctets + (report?.Content.Length ?? 0),
            cancel);
    }
}
