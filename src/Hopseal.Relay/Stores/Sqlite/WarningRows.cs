using Hopseal.Relay.Queue;
using Microsoft.Data.Sqlite;

namespace Hopseal.Relay.Stores.Sqlite;

/// <summary>The statement that writes down that the delay of an entry was reported.</summary>
sealed class WarningRows(SqliteConnection connection) : IDisposable
{
    readonly Statement _warn = new(
        connection,
        """
        UPDATE entries SET warned = 1
            WHERE message = (SELECT number FROM messages WHERE id = ?1) AND domain = ?2 AND warned = 0 AND held = 0 AND leased = 0
                AND ?3 = (SELECT count(*) FROM recipients r
                    WHERE r.message = entries.message AND r.domain = entries.domain AND r.state = 0)
            RETURNING 1
        """);

    /// <summary>False, and nothing is written, when the entry is not as it was found: gone, held, reported already, or with fewer
    /// recipients left.</summary>
    public bool TryWarn(DelayedEntry entry) =>
        _warn.Ask(entry.Id.Text, entry.Domain, (long)entry.Pending.Recipients.Length) is not null;

    public void Dispose() => _warn.Dispose();
}
