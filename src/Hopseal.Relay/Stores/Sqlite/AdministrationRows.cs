using Hopseal.Relay.Queue;
using Microsoft.Data.Sqlite;

namespace Hopseal.Relay.Stores.Sqlite;

/// <summary>The statements by which an operator changes what waits.</summary>
sealed class AdministrationRows(SqliteConnection connection, DomainRows domains, InFlight inFlight) : IDisposable
{
    const long Deleted = (long)RecipientState.Deleted;

    readonly Statement _entry = new(
        connection,
        """
        SELECT e.message, e.held, e.due_at, m.content_file
            FROM messages m CROSS JOIN entries e ON e.message = m.number WHERE m.id = ?1 AND e.domain = ?2
        """);

    readonly Statement _setDue = new(connection, "UPDATE entries SET due_at = ?3 WHERE message = ?1 AND domain = ?2");

    readonly Statement _setHeld = new(connection, "UPDATE entries SET held = ?3 WHERE message = ?1 AND domain = ?2");

    readonly Statement _endRecipients = new(
        connection, $"UPDATE recipients SET state = {Deleted} WHERE message = ?1 AND domain = ?2 AND state = 0");

    readonly EntryEnd _end = new(connection);

    /// <param name="unneeded">Takes the content file that nobody needs once this is committed.</param>
    public EntryChange Change(QueueAction action, EntryKey key, DateTimeOffset now, List<string> unneeded)
    {
        if (Find(key) is not var (message, held, dueAt, contentFile))
        {
            return EntryChange.Gone;
        }

        var attempting = inFlight.Contains(key.Id, key.Domain);
        switch (action)
        {
            case QueueAction.Retry when attempting:
            case QueueAction.Delete when attempting:
                return EntryChange.Attempting;
            case QueueAction.Retry when held:
            case QueueAction.Hold when held:
            case QueueAction.Release when !held:
                return EntryChange.Unchanged;
            case QueueAction.Retry:
                var due = now.ToUnixTimeMilliseconds();
                _setDue.Run(message, key.Domain, due);
                domains.FallsDue(key.Domain, due);
                domains.Retry(key.Domain, due);
                return EntryChange.Done;
            case QueueAction.Hold:
                // Its domain may say "due" for nothing now; the next look sets that right.
                _setHeld.Run(message, key.Domain, 1);
                return EntryChange.Done;
            case QueueAction.Release:
                _setHeld.Run(message, key.Domain, 0);
                domains.FallsDue(key.Domain, dueAt);
                return EntryChange.Done;
            case QueueAction.Delete:
                Delete(message, key.Domain, contentFile, unneeded);
                return EntryChange.Done;
            default:
                throw new ArgumentOutOfRangeException(nameof(action), action, "not an action");
        }
    }

    public void Dispose()
    {
        foreach (var statement in (ReadOnlySpan<Statement>)[_entry, _setDue, _setHeld, _endRecipients])
        {
            statement.Dispose();
        }

        _end.Dispose();
    }

    (long Message, bool Held, long DueAt, string? ContentFile)? Find(EntryKey key)
    {
        using var rows = _entry.Read(key.Id.Text, key.Domain);
        return rows.Read() ? (rows.GetInt64(0), rows.GetInt64(1) != 0, rows.GetInt64(2), rows.IsDBNull(3) ? null : rows.GetString(3)) : null;
    }

    void Delete(long message, string domain, string? contentFile, List<string> unneeded)
    {
        if (!_end.EndsMessage(message, domain))
        {
            _endRecipients.Run(message, domain);
        }
        else if (contentFile is not null)
        {
            unneeded.Add(contentFile);
        }
    }
}
