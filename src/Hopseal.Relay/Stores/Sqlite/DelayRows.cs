using System.Collections.Immutable;
using Hopseal.Relay.Queue;
using Hopseal.Smtp.Mail;
using Microsoft.Data.Sqlite;

namespace Hopseal.Relay.Stores.Sqlite;

/// <summary>The statements that find entries whose delay is to be reported. A look is bounded, whatever the backlog.</summary>
sealed class DelayRows(SqliteConnection connection) : IDisposable
{
    const int MaxLooked = 1000;
    const int MaxFound = 64;

    readonly Statement _entries = new(
        connection,
        $"""
        SELECT message, domain, warned OR held OR leased FROM entries
            WHERE (message, domain) > (?1, ?2) ORDER BY message, domain LIMIT {MaxLooked}
        """);

    readonly Statement _message = new(
        connection,
        "SELECT id, received_at, return_path, smtputf8, size, ret, envelope_id FROM messages WHERE number = ?1");

    readonly Statement _recipients = new(
        connection,
        """
        SELECT address, notify, original_type, original, status, reason, remote, security FROM recipients
            WHERE message = ?1 AND domain = ?2 AND state = 0 ORDER BY position
        """);

    /// <summary>Entries that nobody was told about, received before <paramref name="receivedBefore"/>, in the order in which they
    /// came in. What an operator holds back is left out, he knows; and what is being attempted, which may be over in a moment.</summary>
    public DelayScan Find(DateTimeOffset receivedBefore, DelayCursor? after)
    {
        var found = ImmutableArray.CreateBuilder<DelayedEntry>();
        var (looked, places) = ReadEntries(after);
        foreach (var place in places)
        {
            if (found.Count == MaxFound)
            {
                return new DelayScan(found.DrainToImmutable(), after);
            }

            if (Read(place) is not { } entry)
            {
                continue;
            }

            if (entry.ReceivedAt >= receivedBefore)
            {
                // Messages are numbered as they come in: what follows is younger.
                return new DelayScan(found.DrainToImmutable(), null);
            }

            after = place;
            if (!entry.Pending.Recipients.IsEmpty)
            {
                found.Add(entry);
            }
        }

        return new DelayScan(found.DrainToImmutable(), looked);
    }

    public void Dispose()
    {
        _entries.Dispose();
        _message.Dispose();
        _recipients.Dispose();
    }

    /// <returns>The last entry that was looked at, null when it is the last of all; and those that come into question.</returns>
    (DelayCursor? Looked, List<DelayCursor> Places) ReadEntries(DelayCursor? after)
    {
        var places = new List<DelayCursor>();
        DelayCursor? last = null;
        var looked = 0;
        using var rows = _entries.Read(after?.Message ?? 0L, after?.Domain ?? "");
        while (rows.Read())
        {
            looked++;
            last = new DelayCursor(rows.GetInt64(0), rows.GetString(1));
            if (rows.GetInt64(2) == 0)
            {
                places.Add(last);
            }
        }

        return (looked == MaxLooked ? last : null, places);
    }

    DelayedEntry? Read(DelayCursor place)
    {
        using var message = _message.Read(place.Message);
        if (!message.Read())
        {
            return null;
        }

        var recipients = ImmutableArray.CreateBuilder<Recipient>();
        var failures = ImmutableArray.CreateBuilder<LastFailure?>();
        using (var rows = _recipients.Read(place.Message, place.Domain))
        {
            while (rows.Read())
            {
                recipients.Add(LeaseRows.ReadRecipient(rows));
                failures.Add(rows.IsDBNull(4)
                    ? null
                    : new LastFailure(rows.GetString(4), rows.GetString(5), Text(rows, 6), Text(rows, 7)));
            }
        }

        var envelope = new Envelope(
            message.IsDBNull(2) ? null : MailboxText.Read(message.GetString(2)),
            recipients.DrainToImmutable(),
            SmtpUtf8: message.GetInt64(3) != 0,
            Return: message.IsDBNull(5) ? null : (DsnReturn)message.GetInt32(5),
            EnvelopeId: Text(message, 6));
        return new DelayedEntry(
            new QueueId(message.GetString(0)),
            place.Domain,
            envelope,
            failures.DrainToImmutable(),
            DateTimeOffset.FromUnixTimeMilliseconds(message.GetInt64(1)),
            message.GetInt64(4));
    }

    static string? Text(Statement.Rows row, int column) => row.IsDBNull(column) ? null : row.GetString(column);
}
