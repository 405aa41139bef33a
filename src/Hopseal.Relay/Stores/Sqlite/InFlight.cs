using Hopseal.Relay.Queue;

namespace Hopseal.Relay.Stores.Sqlite;

/// <summary>The entries whose attempt is running now, in this process. An attempt may outlast the delay that was written down
/// for it, and must not be made twice at once.</summary>
sealed class InFlight
{
    readonly Lock _lock = new();
    readonly HashSet<(QueueId, string)> _entries = [];

    public bool TryStart(QueueId id, string domain)
    {
        lock (_lock)
        {
            return _entries.Add((id, domain));
        }
    }

    public bool Contains(QueueId id, string domain)
    {
        lock (_lock)
        {
            return _entries.Contains((id, domain));
        }
    }

    public void End(IEnumerable<(QueueId, string)> entries)
    {
        lock (_lock)
        {
            _entries.ExceptWith(entries);
        }
    }
}
