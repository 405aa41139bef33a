using Microsoft.Data.Sqlite;

namespace Hopseal.Relay.Stores.Sqlite;

/// <summary>The statements on <c>domains</c>: one row for each recipient domain with waiting entries, so that a look for what is
/// due costs what is due, and not what waits.</summary>
/// <remarks>A row may say "due" too early, never too late: who makes an entry wait tells <see cref="FallsDue"/>; a look that
/// finds nothing sets it right.</remarks>
sealed class DomainRows(SqliteConnection connection) : IDisposable
{
    // Where the row says so already, nothing is written.
    readonly Statement _fallsDue = new(
        connection,
        """
        INSERT INTO domains (domain, due_at) VALUES (?1, ?2)
            ON CONFLICT (domain) DO UPDATE SET due_at = max(excluded.due_at, not_before)
            WHERE due_at > max(excluded.due_at, not_before)
        """);

    readonly Statement _due = new(
        connection,
        """
        SELECT due_at, domain FROM domains
            WHERE due_at <= ?1 AND (due_at, domain) > (?2, ?3) ORDER BY due_at, domain LIMIT ?4
        """);

    readonly Statement _nextDue = new(connection, "SELECT min(due_at) FROM domains WHERE due_at > ?1");

    readonly Statement _firstWaiting = new(
        connection, "SELECT min(due_at) FROM entries WHERE domain = ?1 AND held = 0 AND leased = 0");

    readonly Statement _setDue = new(connection, "UPDATE domains SET due_at = max(?2, not_before) WHERE domain = ?1");

    readonly Statement _postpone = new(connection, "UPDATE domains SET due_at = ?2, not_before = ?2 WHERE domain = ?1");

    readonly Statement _retry = new(
        connection, "UPDATE domains SET not_before = 0, due_at = ?2 WHERE domain = ?1");

    readonly Statement _end = new(connection, "DELETE FROM domains WHERE domain = ?1");

    /// <summary>An entry of this domain waits from now on. Whoever adds, releases or reschedules one says so here.</summary>
    public void FallsDue(string domain, long dueAt) => _fallsDue.Run(domain, dueAt);

    /// <summary>Up to <paramref name="limit"/> domains that are due, in the order of their times, behind a place in that
    /// order.</summary>
    public List<(long DueAt, string Domain)> Due(long now, (long DueAt, string Domain) behind, int limit)
    {
        var found = new List<(long, string)>();
        using var rows = _due.Read(now, behind.DueAt, behind.Domain, (long)limit);
        while (rows.Read())
        {
            found.Add((rows.GetInt64(0), rows.GetString(1)));
        }

        return found;
    }

    /// <summary>When the next domain falls due after <paramref name="now"/>.</summary>
    public long? NextDue(long now) => _nextDue.Ask(now);

    /// <summary>Sets the row to what really waits, after a look at <paramref name="now"/>.</summary>
    public void Settle(string domain, long now)
    {
        if (_firstWaiting.Ask(domain) is not { } first)
        {
            _end.Run(domain);
        }
        else if (first > now)
        {
            _setDue.Run(domain, first);
        }
    }

    /// <summary>Nothing of the domain is leased before that time, whatever falls due in between.</summary>
    public void Postpone(string domain, long time) => _postpone.Run(domain, time);

    /// <summary>Takes that back: what waits is due at <paramref name="now"/>.</summary>
    public void Retry(string domain, long now) => _retry.Run(domain, now);

    public void Dispose()
    {
        foreach (var statement in (ReadOnlySpan<Statement>)[_fallsDue, _due, _nextDue, _firstWaiting, _setDue, _postpone, _retry, _end])
        {
            statement.Dispose();
        }
    }
}
