using Hopseal.Relay.Queue;
using Microsoft.Data.Sqlite;

namespace Hopseal.Relay.Stores.Sqlite;

/// <summary>The statements that write down what became of a lease.</summary>
sealed class SettlementRows(SqliteConnection connection, DomainRows domains) : IDisposable
{
    const long Pending = 0;
    const long Delivered = 1;
    const long Bounced = 2;

    /// <summary>A reason quotes the peer, who may be long-winded.</summary>
    const int MaxReason = 1000;

    readonly Statement _message = new(
        connection, "SELECT number, content_file FROM messages WHERE id = ?1");

    readonly Statement _pending = new(
        connection,
        "SELECT position, address FROM recipients WHERE message = ?1 AND domain = ?2 AND state = 0 ORDER BY position");

    readonly Statement _settleRecipient = new(
        connection,
        """
        UPDATE recipients SET state = ?3, status = ?4, reason = ?5, remote = ?6, security = ?7 WHERE message = ?1 AND position = ?2
        """);

    readonly Statement _defer = new(
        connection,
        """
        UPDATE entries SET leased = 0, due_at = coalesce(?3, due_at), tls_failed = tls_failed | ?4
            WHERE message = ?1 AND domain = ?2 RETURNING due_at
        """);

    readonly EntryEnd _end = new(connection);

    /// <summary>Settles each recipient of the lease and lets the message go when it was the last one of all. A message that
    /// is not there is settled already. Returns the content file that nobody needs from then on, if there is one.</summary>
    public string? Settle(QueueLease lease, Settlement settlement)
    {
        if (FindMessage(lease.Id) is not var (number, contentFile))
        {
            return null;
        }

        // The lease holds every recipient that was pending, so that it ends the entry unless it defers one.
        if (settlement.Outcomes.Any(outcome => outcome is RecipientOutcome.Deferred))
        {
            SettleRecipients(number, lease, settlement);
            if (_defer.Ask(
                number, lease.Domain, settlement.RetryAt?.ToUnixTimeMilliseconds(), settlement.TlsFailed ? 1L : 0L) is { } dueAt)
            {
                domains.FallsDue(lease.Domain, dueAt);
            }

            return null;
        }

        if (_end.EndsMessage(number, lease.Domain))
        {
            return contentFile;
        }

        SettleRecipients(number, lease, settlement);
        return null;
    }

    public void Dispose()
    {
        foreach (var statement in (ReadOnlySpan<Statement>)[_message, _pending, _settleRecipient, _defer])
        {
            statement.Dispose();
        }

        _end.Dispose();
    }

    (long Number, string? ContentFile)? FindMessage(QueueId id)
    {
        using var rows = _message.Read(id.Text);
        return rows.Read() ? (rows.GetInt64(0), rows.IsDBNull(1) ? null : rows.GetString(1)) : null;
    }

    void SettleRecipients(long message, QueueLease lease, Settlement settlement)
    {
        // By address, not by position in the lease: doing it twice then does it once. A mailbox that the client named twice
        // has two positions, taken in turn.
        var pending = ReadPending(message, lease.Domain);
        for (var i = 0; i < settlement.Outcomes.Length; i++)
        {
            var address = lease.Pending.Recipients[i].ToString();
            var columns = Columns(settlement.Outcomes[i]);
            if (pending.TryGetValue(address, out var positions) && positions.TryDequeue(out var position))
            {
                var reason = columns.Reason[..Math.Min(columns.Reason.Length, MaxReason)];
                _settleRecipient.Run(
                    message, position, columns.State, columns.Status, reason, columns.Remote?.Host, columns.Security?.ToString());
            }
        }
    }

    Dictionary<string, Queue<long>> ReadPending(long message, string domain)
    {
        var found = new Dictionary<string, Queue<long>>(StringComparer.Ordinal);
        using var rows = _pending.Read(message, domain);
        while (rows.Read())
        {
            if (!found.TryGetValue(rows.GetString(1), out var positions))
            {
                found.Add(rows.GetString(1), positions = new Queue<long>());
            }

            positions.Enqueue(rows.GetInt64(0));
        }

        return found;
    }

    static (long State, string Status, string Reason, RemoteWord? Remote, MissedFloor? Security) Columns(RecipientOutcome outcome) =>
        outcome switch
        {
            RecipientOutcome.Delivered delivered =>
                (Delivered, delivered.Reply.Status?.ToString() ?? "2.0.0", delivered.Reply.ToString(), delivered.Remote, null),
            RecipientOutcome.Bounced bounced =>
                (Bounced, bounced.Status.ToString(), bounced.Reason, bounced.Remote, bounced.Security),
            RecipientOutcome.Deferred deferred =>
                (Pending, deferred.Status.ToString(), deferred.Reason, deferred.Remote, deferred.Security),
            _ => throw new ArgumentException($"not an outcome: {outcome}", nameof(outcome)),
        };
}
