using System.Collections.Immutable;
using Hopseal.Relay.Queue;
using Hopseal.Smtp.Mail;
using Microsoft.Data.Sqlite;

namespace Hopseal.Relay.Stores.Sqlite;

/// <summary>The writing connection with its prepared statements. Used by the writer's thread only.</summary>
sealed class QueueRows : IDisposable
{
    readonly Statement _begin;
    readonly Statement _commit;
    readonly Statement _rollback;
    readonly Statement _checkpoint;
    readonly Statement _freePages;
    readonly Statement _giveBack;
    readonly Statement _addMessage;
    readonly Statement _addContent;
    readonly Statement _addEntry;
    readonly Statement _addRecipient;

    public QueueRows(SqliteConnection connection, InFlight inFlight)
    {
        Connection = connection;
        _begin = new Statement(connection, "BEGIN IMMEDIATE");
        _commit = new Statement(connection, "COMMIT");
        _rollback = new Statement(connection, "ROLLBACK");
        _checkpoint = new Statement(connection, "PRAGMA wal_checkpoint(PASSIVE)");
        _freePages = new Statement(connection, "PRAGMA freelist_count");
        _giveBack = new Statement(connection, QueueDatabase.GiveBack);
        _addMessage = new Statement(
            connection,
            """
            INSERT INTO messages
                (id, received_at, return_path, body, smtputf8, declared_size, ret, envelope_id, size, content_file, tls)
                VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)
                ON CONFLICT (id) DO NOTHING RETURNING number
            """);
        _addContent = new Statement(connection, "INSERT INTO contents (message, content) VALUES (?1, ?2)");
        _addEntry = new Statement(
            connection, "INSERT INTO entries (message, domain, due_at, leased, attempts) VALUES (?1, ?2, ?3, ?4, ?5)");
        _addRecipient = new Statement(
            connection,
            """
            INSERT INTO recipients (message, position, domain, address, notify, original_type, original)
                VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
            """);
        Domains = new DomainRows(connection);
        Leases = new LeaseRows(connection, Domains, inFlight);
        Due = new DueScan(connection, Leases, Domains, inFlight);
        Settlements = new SettlementRows(connection, Domains);
        Administration = new AdministrationRows(connection, Domains, inFlight);
        Warnings = new WarningRows(connection);
    }

    public SqliteConnection Connection { get; }

    /// <summary>What an earlier connection left leased has been looked at.</summary>
    public bool Recovered { get; set; }

    public DomainRows Domains { get; }

    public LeaseRows Leases { get; }

    public DueScan Due { get; }

    public SettlementRows Settlements { get; }

    public AdministrationRows Administration { get; }

    public WarningRows Warnings { get; }

    public void Begin() => _begin.Run();

    public void Commit() => _commit.Run();

    /// <summary>Copies the log into the database as far as readers allow, and gives back to the disk what a backlog has left, bit by bit.
    /// True when there is more to give back.</summary>
    public bool Tidy()
    {
        _checkpoint.Run();
        if (_freePages.Ask() is not { } free || free <= QueueDatabase.SparePages)
        {
            return false;
        }

        _giveBack.Run();
        return _freePages.Ask() < free;
    }

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

    /// <summary>Adds a message with its recipients and one entry per domain; nothing when it is there already. Returns the leases of
    /// those entries that there is a place for.</summary>
    public ImmutableArray<QueueLease> Add(StoredMessage message, LeaseTerms? terms = null, Reservations? reservations = null)
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
            (long)envelope.Tls);
        if (number is not { } added)
        {
            return [];
        }

        if (message.ContentFile is null)
        {
            _addContent.Run(added, message.Content);
        }

        var leases = ImmutableArray.CreateBuilder<QueueLease>();
        var byDomain = new Dictionary<string, ImmutableArray<Recipient>.Builder>(1, StringComparer.Ordinal);
        for (var i = 0; i < envelope.Recipients.Length; i++)
        {
            var (mailbox, notify, original) = envelope.Recipients[i];
            var domain = mailbox.EntryDomain();
            _addRecipient.Run(added, (long)i, domain, mailbox.ToString(), (long?)notify, original?.AddressType, original?.Address);
            if (!byDomain.TryGetValue(domain, out var recipients))
            {
                byDomain.Add(domain, recipients = ImmutableArray.CreateBuilder<Recipient>(1));
            }

            recipients.Add(envelope.Recipients[i]);
        }

        foreach (var (domain, recipients) in byDomain)
        {
            if (terms is not null && reservations!.Ask(domain, arriving: true) is LeaseAnswer.Yes)
            {
                var nextDue = terms.Now + terms.Schedule.DelayAfter(1);
                _addEntry.Run(added, domain, nextDue.ToUnixTimeMilliseconds(), 1, 1);
                leases.Add(FirstLease(message, domain, recipients.ToImmutable(), terms));
            }
            else
            {
                _addEntry.Run(added, domain, receivedAt, 0, 0);
                Domains.FallsDue(domain, receivedAt);
            }
        }

        return leases.DrainToImmutable();
    }

    public void Dispose()
    {
        foreach (var statement in (ReadOnlySpan<Statement>)
            [_begin, _commit, _rollback, _checkpoint, _freePages, _giveBack, _addMessage, _addContent, _addEntry, _addRecipient])
        {
            statement.Dispose();
        }

        Due.Dispose();
        Leases.Dispose();
        Settlements.Dispose();
        Administration.Dispose();
        Domains.Dispose();
        Warnings.Dispose();
        Connection.Dispose();
    }

    static QueueLease FirstLease(StoredMessage message, string domain, ImmutableArray<Recipient> recipients, LeaseTerms terms) => new(
        message.Id,
        domain,
        message.Envelope with { Recipients = recipients },
        AttemptNumber: 1,
        message.ReceivedAt,
        message.Size,
        message.ReceivedAt + terms.Schedule.GiveUpAfter,
        EarlierTlsFailure: false)
    {
        DueAt = message.ReceivedAt,
    };
}
