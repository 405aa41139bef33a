using System.Collections.Immutable;
using Hopseal.Relay.Queue;
using Hopseal.Smtp.Mail;
using Microsoft.Data.Sqlite;

namespace Hopseal.Relay.Stores.Sqlite;

/// <summary>The statements that read, write and undo leases.</summary>
sealed class LeaseRows(SqliteConnection connection, DomainRows domains, InFlight inFlight) : IDisposable
{
    /// <summary>After a crash, an attempt that was under way is made again when this has passed for each attempt that was made:
    /// soon, but not in a loop if it was the message that ended the process.</summary>
    static readonly TimeSpan s_afterCrash = TimeSpan.FromSeconds(10);

    const string Columns =
        """
        e.message, e.domain, e.attempts, e.due_at, e.tls_failed, m.id, m.received_at, m.return_path, m.body, m.smtputf8,
        m.declared_size, m.size, m.ret, m.envelope_id, m.tls FROM entries e CROSS JOIN messages m ON m.number = e.message
        """;

    // In the order of the index on domain and due_at: rows are read only until enough are found.
    readonly Statement _waiting = new(
        connection,
        $"SELECT {Columns} WHERE e.domain = ?1 AND e.due_at <= ?2 AND e.held = 0 AND e.leased = 0 ORDER BY e.due_at, e.message");

    readonly Statement _one = new(
        connection, $"SELECT {Columns} WHERE e.message = ?1 AND e.domain = ?2");

    readonly Statement _recipients = new(
        connection,
        """
        SELECT address, notify, original_type, original FROM recipients
            WHERE message = ?1 AND domain = ?2 AND state = 0 ORDER BY position
        """);

    readonly Statement _lease = new(
        connection, "UPDATE entries SET leased = 1, attempts = ?3, due_at = ?4 WHERE message = ?1 AND domain = ?2");

    readonly Statement _return = new(
        connection,
        """
        UPDATE entries SET leased = 0, attempts = ?3, due_at = ?4
            WHERE message = (SELECT number FROM messages WHERE id = ?1) AND domain = ?2 AND leased = 1
        """);

    readonly Statement _leased = new(
        connection,
        """
        SELECT e.message, e.domain, m.id, e.attempts, e.due_at
            FROM entries e INDEXED BY entries_leased CROSS JOIN messages m ON m.number = e.message WHERE e.leased = 1
        """);

    readonly Statement _free = new(
        connection, "UPDATE entries SET leased = 0, due_at = ?3 WHERE message = ?1 AND domain = ?2");

    /// <summary>Leases what waits for a domain and is due, the longest due first, while <paramref name="take"/> agrees.</summary>
    public void LeaseWaiting(string domain, LeaseTerms terms, Func<bool> take, ImmutableArray<QueueLease>.Builder leases)
    {
        var found = new List<(long Number, QueueLease Lease)>();
        using (var rows = _waiting.Read(domain, terms.Now.ToUnixTimeMilliseconds()))
        {
            while (rows.Read())
            {
                // A settlement that is being written again, after a commit of which nobody knows whether it succeeded.
                var lease = Read(rows, terms.Schedule);
                if (inFlight.Contains(lease.Id, domain))
                {
                    continue;
                }

                if (!take())
                {
                    break;
                }

                found.Add((rows.GetInt64(0), lease));
            }
        }

        foreach (var (number, lease) in found)
        {
            leases.Add(Write(number, lease, terms));
        }
    }

    /// <summary>Leases one entry, due or not.</summary>
    public QueueLease Lease(long message, string domain, bool suspended, LeaseTerms terms)
    {
        QueueLease lease;
        using (var rows = _one.Read(message, domain))
        {
            lease = rows.Read() ? Read(rows, terms.Schedule) : throw new QueueStoreException($"entry {message} {domain} has gone");
        }

        return Write(message, suspended ? lease with { Suspended = true, AttemptNumber = lease.AttemptNumber - 1 } : lease, terms);
    }

    public void Return(QueueLease lease)
    {
        var attempts = lease.Suspended ? lease.AttemptNumber : lease.AttemptNumber - 1;
        var dueAt = lease.DueAt.ToUnixTimeMilliseconds();
        if (_return.Run(lease.Id.Text, lease.Domain, (long)attempts, dueAt) > 0)
        {
            domains.FallsDue(lease.Domain, dueAt);
        }
    }

    /// <summary>Frees what is written down as leased and is in nobody's hands.</summary>
    public void Recover(DateTimeOffset now)
    {
        var lost = new List<(long Message, string Domain, long DueAt)>();
        using (var rows = _leased.Read())
        {
            while (rows.Read())
            {
                var domain = rows.GetString(1);
                if (!inFlight.Contains(new QueueId(rows.GetString(2)), domain))
                {
                    var soon = now + s_afterCrash * rows.GetInt32(3);
                    lost.Add((rows.GetInt64(0), domain, Math.Min(rows.GetInt64(4), soon.ToUnixTimeMilliseconds())));
                }
            }
        }

        foreach (var (message, domain, dueAt) in lost)
        {
            _free.Run(message, domain, dueAt);
            domains.FallsDue(domain, dueAt);
        }
    }

    public void Dispose()
    {
        foreach (var statement in (ReadOnlySpan<Statement>)[_waiting, _one, _recipients, _lease, _return, _leased, _free])
        {
            statement.Dispose();
        }
    }

    /// <summary>From the columns address, notify, original_type and original.</summary>
    internal static Recipient ReadRecipient(Statement.Rows row) => new(
        MailboxText.Read(row.GetString(0)),
        row.IsDBNull(1) ? null : (DsnNotify)row.GetInt32(1),
        row.IsDBNull(2) ? null : new OriginalRecipient(row.GetString(2), row.GetString(3)));

    QueueLease Write(long number, QueueLease lease, LeaseTerms terms)
    {
        var nextDue = terms.Now + terms.Schedule.DelayAfter(lease.AttemptNumber);
        _lease.Run(number, lease.Domain, (long)lease.AttemptNumber, nextDue.ToUnixTimeMilliseconds());
        var recipients = ImmutableArray.CreateBuilder<Recipient>();
        using var rows = _recipients.Read(number, lease.Domain);
        while (rows.Read())
        {
            recipients.Add(ReadRecipient(rows));
        }

        return lease with { Pending = lease.Pending with { Recipients = recipients.DrainToImmutable() } };
    }

    static QueueLease Read(Statement.Rows row, RetrySchedule schedule)
    {
        var receivedAt = DateTimeOffset.FromUnixTimeMilliseconds(row.GetInt64(6));
        var envelope = new Envelope(
            row.IsDBNull(7) ? null : MailboxText.Read(row.GetString(7)),
            [],
            (BodyType)row.GetInt32(8),
            row.GetInt64(9) != 0,
            row.IsDBNull(10) ? null : row.GetInt64(10),
            row.IsDBNull(12) ? null : (DsnReturn)row.GetInt32(12),
            row.IsDBNull(13) ? null : row.GetString(13),
            (MessageTls)row.GetInt32(14));
        return new QueueLease(
            new QueueId(row.GetString(5)),
            row.GetString(1),
            envelope,
            row.GetInt32(2) + 1,
            receivedAt,
            row.GetInt64(11),
            receivedAt + schedule.GiveUpAfter,
            row.GetInt64(4) != 0)
        {
            DueAt = DateTimeOffset.FromUnixTimeMilliseconds(row.GetInt64(3)),
        };
    }
}
