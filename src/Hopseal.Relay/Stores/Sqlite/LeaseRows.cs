using System.Collections.Immutable;
using Hopseal.Relay.Queue;
using Hopseal.Smtp.Mail;
using Microsoft.Data.Sqlite;

namespace Hopseal.Relay.Stores.Sqlite;

/// <summary>The statements that lease entries.</summary>
sealed class LeaseRows(SqliteConnection connection) : IDisposable
{
    // In the order of the index on due_at: rows are read only until enough are found. CROSS JOIN keeps SQLite to that order.
    readonly Statement _due = new(
        connection,
        """
        SELECT e.message, e.domain, e.attempts, e.tls_failed,
               m.id, m.received_at, m.return_path, m.body, m.smtputf8, m.declared_size, m.size, m.ret, m.envelope_id
            FROM entries e CROSS JOIN messages m ON m.number = e.message
            WHERE e.due_at <= $1 ORDER BY e.due_at
        """,
        parameters: 1);

    readonly Statement _recipients = new(
        connection,
        """
        SELECT address, notify, original_type, original FROM recipients
            WHERE message = $1 AND domain = $2 AND state = 0 ORDER BY position
        """,
        parameters: 2);

    readonly Statement _attempt = new(
        connection,
        "UPDATE entries SET attempts = $3, due_at = $4 WHERE message = $1 AND domain = $2",
        parameters: 4);

    /// <summary>Writes the next attempt of up to <paramref name="limit"/> due entries down, those that
    /// <paramref name="take"/> agrees to.</summary>
    public ImmutableArray<QueueLease> Lease(
        DateTimeOffset now, int limit, RetrySchedule schedule, Func<QueueId, string, bool> take)
    {
        var due = ReadDue(now, limit, schedule, take);
        var leases = ImmutableArray.CreateBuilder<QueueLease>(due.Count);
        foreach (var (number, lease) in due)
        {
            var recipients = ImmutableArray.CreateBuilder<Recipient>();
            using (var rows = _recipients.Read(number, lease.Domain))
            {
                while (rows.Read())
                {
                    recipients.Add(ReadRecipient(rows));
                }
            }

            var nextDue = now + schedule.DelayAfter(lease.AttemptNumber);
            _attempt.Run(number, lease.Domain, (long)lease.AttemptNumber, nextDue.ToUnixTimeMilliseconds());
            leases.Add(lease with { Pending = lease.Pending with { Recipients = recipients.ToImmutable() } });
        }

        return leases.MoveToImmutable();
    }

    public void Dispose()
    {
        _due.Dispose();
        _recipients.Dispose();
        _attempt.Dispose();
    }

    static Recipient ReadRecipient(SqliteDataReader row) => new(
        MailboxText.Read(row.GetString(0)),
        row.IsDBNull(1) ? null : (DsnNotify)row.GetInt32(1),
        row.IsDBNull(2) ? null : new OriginalRecipient(row.GetString(2), row.GetString(3)));

    List<(long Number, QueueLease Lease)> ReadDue(
        DateTimeOffset now, int limit, RetrySchedule schedule, Func<QueueId, string, bool> take)
    {
        var found = new List<(long, QueueLease)>();
        using var rows = _due.Read(now.ToUnixTimeMilliseconds());
        while (found.Count < limit && rows.Read())
        {
            var id = new QueueId(rows.GetString(4));
            var domain = rows.GetString(1);
            if (!take(id, domain))
            {
                continue;
            }

            var receivedAt = DateTimeOffset.FromUnixTimeMilliseconds(rows.GetInt64(5));
            var envelope = new Envelope(
                rows.IsDBNull(6) ? null : MailboxText.Read(rows.GetString(6)),
                [],
                (BodyType)rows.GetInt32(7),
                rows.GetInt64(8) != 0,
                rows.IsDBNull(9) ? null : rows.GetInt64(9),
                rows.IsDBNull(11) ? null : (DsnReturn)rows.GetInt32(11),
                rows.IsDBNull(12) ? null : rows.GetString(12));
            found.Add((rows.GetInt64(0), new QueueLease(
                id,
                domain,
                envelope,
                rows.GetInt32(2) + 1,
                receivedAt,
                rows.GetInt64(10),
                receivedAt + schedule.GiveUpAfter,
                rows.GetInt64(3) != 0)));
        }

        return found;
    }
}
