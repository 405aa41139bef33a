using Hopseal.Relay.Queue;

namespace Hopseal.Relay.Stores.Sqlite;

/// <summary>The entries that somebody in this process holds a lease of. An entry that is written down as leased and is not here was
/// left by a crash, or by a commit of which nobody knew that it had succeeded. Used by the writer's thread only.</summary>
sealed class InFlight
{
    readonly HashSet<(QueueId, string)> _entries = [];

    public void Begin(QueueLease lease) => _entries.Add((lease.Id, lease.Domain));

    public void End(QueueLease lease) => _entries.Remove((lease.Id, lease.Domain));

    public bool Contains(QueueId id, string domain) => _entries.Contains((id, domain));
}
