using Hopseal.Relay.Queue;
using Microsoft.Data.Sqlite;

namespace Hopseal.Relay.Stores.Sqlite;

/// <summary>The writing connection with its prepared statements. Used by the writer's thread only.</summary>
sealed class QueueRows : IDisposable
{
    readonly Statement _begin;
    readonly Statement _commit;
    readonly Statement _rollback;
    readonly Statement _addMessage;
    readonly Statement _addEntry;
    readonly Statement _addRecipient;

    public QueueRows(SqliteConnection connection)
    {
        Connection = connection;
        _begin = new Statement(connection, "BEGIN IMMEDIATE");
        _commit = new Statement(connection, "COMMIT");
        _rollback = new Statement(connection, "ROLLBACK");
        _addMessage = new Statement(
            connection,
            """
            INSERT INTO messages
                (id, received_at, return_path, body, smtputf8, declared_size, ret, envelope_id, size, content_file, content)
                VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
                ON CONFLICT (id) DO NOTHING RETURNING number
            """,
            parameters: 11);
        _addEntry = new Statement(
            connection, "INSERT INTO entries (message, domain, due_at) VALUES ($1, $2, $3)", parameters: 3);
        _addRecipient = new Statement(
            connection,
            """
            INSERT INTO recipients (message, position, domain, address, notify, original_type, original)
                VALUES ($1, $2, $3, $4, $5, $6, $7)
            """,
            parameters: 7);
        Leases = new LeaseRows(connection);
        Settlements = new SettlementRows(connection);
    }

    public SqliteConnection Connection { get; }

    public LeaseRows Leases { get; }

    public SettlementRows Settlements { get; }

    public void Begin() => _begin.Run();

    public void Commit() => _commit.Run();

    /// <summary>Ends a transaction that failed; false when the connection is not fit for another one.</summary>
    public bool TryRollback()
    {
        try
        {
            // Some errors (a full disk among them) have rolled back already.
            if (SQLitePCL.raw.sqlite3_get_autocommit(Connection.Handle) == 0)
            {
                _rollback.Run();
            }

            return true;
        }
        catch (SqliteException)
        {
            return false;
        }
    }

    /// <summary>Adds a message with its recipients and one entry per domain; nothing when it is there already.</summary>
    public void Add(StoredMessage message)
    {
        var envelope = message.Envelope;
        var receivedAt = message.ReceivedAt.ToUnixTimeMilliseconds();
        var number = _addMessage.Ask(
            message.Id.Text,
            receivedAt,
            envelope.ReturnPath?.ToString(),
            (long)envelope.Body,
            envelope.SmtpUtf8 ? 1L : 0L,
            envelope.DeclaredSize,
            (long?)envelope.Return,
            envelope.EnvelopeId,
            message.Size,
            message.ContentFile,
            message.ContentFile is null ? message.Content : null);
        _addMessage.Forget();
        if (number is null)
        {
            return;
        }

        var domains = new HashSet<string>(StringComparer.Ordinal);
        for (var i = 0; i < envelope.Recipients.Length; i++)
        {
            var (mailbox, notify, original) = envelope.Recipients[i];
            var domain = mailbox.EntryDomain();
            _addRecipient.Run(
                number, (long)i, domain, mailbox.ToString(), (long?)notify, original?.AddressType, original?.Address);
            if (domains.Add(domain))
            {
                _addEntry.Run(number, domain, receivedAt);
            }
        }
    }

    public void Dispose()
    {
        foreach (var statement in (ReadOnlySpan<Statement>)[_begin, _commit, _rollback, _addMessage, _addEntry, _addRecipient])
        {
            statement.Dispose();
        }

        Leases.Dispose();
        Settlements.Dispose();
        Connection.Dispose();
    }
}
