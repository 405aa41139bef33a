using Microsoft.Data.Sqlite;

namespace Hopseal.Relay.Stores.Sqlite;

/// <summary>The statements by which an entry goes, and its message with the last one.</summary>
sealed class EntryEnd(SqliteConnection connection) : IDisposable
{
    readonly Statement _entry = new(connection, "DELETE FROM entries WHERE message = ?1 AND domain = ?2");

    readonly Statement _hasEntries = new(connection, "SELECT EXISTS (SELECT 1 FROM entries WHERE message = ?1)");

    readonly Statement _recipients = new(connection, "DELETE FROM recipients WHERE message = ?1");

    readonly Statement _content = new(connection, "DELETE FROM contents WHERE message = ?1");

    readonly Statement _message = new(connection, "DELETE FROM messages WHERE number = ?1");

    /// <returns>True when the message has gone: nobody needs its content file once this is committed. False while it has other
    /// entries; it keeps its recipients then.</returns>
    public bool EndsMessage(long message, string domain)
    {
        _entry.Run(message, domain);
        if (_hasEntries.Ask(message) is not 0L)
        {
            return false;
        }

        _recipients.Run(message);
        _content.Run(message);
        _message.Run(message);
        return true;
    }

    public void Dispose()
    {
        foreach (var statement in (ReadOnlySpan<Statement>)[_entry, _hasEntries, _recipients, _content, _message])
        {
            statement.Dispose();
        }
    }
}
