using System.Collections.Immutable;
using Hopseal.Relay.Queue;
using Hopseal.Smtp.Mail;

namespace Hopseal.Relay.Stores.Sqlite;

/// <summary>Finds entries whose delay is to be reported, beside the writer and never in its way. A look is bounded, whatever the backlog.</summary>
sealed class DelayRows(Readers readers)
{
    const int MaxLooked = 1000;
    const int MaxFound = 64;

    const string Entries =
        """
        SELECT message, domain, warned OR held OR leased FROM entries
            WHERE (message, domain) > (?1, ?2) ORDER BY message, domain LIMIT ?3
        """;

    const string Message =
        "SELECT id, received_at, return_path, smtputf8, size, ret, envelope_id, tls FROM messages WHERE number = ?1";

    const string Recipients =
        """
        SELECT address, notify, original_type, original, status, reason, remote, security FROM recipients
            WHERE message = ?1 AND domain = ?2 AND state = 0 ORDER BY position
        """;

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

    /// <returns>The last entry that was looked at, null when it is the last of all; and those that come into question.</returns>
    (DelayCursor? Looked, List<DelayCursor> Places) ReadEntries(DelayCursor? after) => readers.Read(
        Entries,
        rows =>
        {
            var places = new List<DelayCursor>();
            for (var looked = 1; rows.Read(); looked++)
            {
                var comesIntoQuestion = rows.GetInt64(2) == 0;
                if (!comesIntoQuestion && looked < MaxLooked)
                {
                    continue;
                }

                var place = new DelayCursor(rows.GetInt64(0), rows.GetString(1));
                if (comesIntoQuestion)
                {
                    places.Add(place);
                }

                if (looked == MaxLooked)
                {
                    return (place, places);
                }
            }

            return ((DelayCursor?)null, places);
        },
        after?.Message ?? 0L,
        after?.Domain ?? "",
        (long)MaxLooked);

    /// <summary>Null when it has gone since its entry was read. What is settled between one statement and the next, the writer finds out
    /// when it is to write the report down.</summary>
    DelayedEntry? Read(DelayCursor place) =>
        readers.Read(Message, rows => rows.Read() ? ReadMessage(rows, place) : null, place.Message) is { } entry
            ? WithRecipients(entry, place)
            : null;

    DelayedEntry WithRecipients(DelayedEntry entry, DelayCursor place) => readers.Read(
        Recipients,
        rows =>
        {
            var recipients = ImmutableArray.CreateBuilder<Recipient>();
            var failures = ImmutableArray.CreateBuilder<LastFailure?>();
            while (rows.Read())
            {
                recipients.Add(LeaseRows.ReadRecipient(rows));
                failures.Add(rows.IsDBNull(4)
                    ? null
                    : new LastFailure(rows.GetString(4), rows.GetString(5), Text(rows, 6), Text(rows, 7)));
            }

            return entry with
            {
                Pending = entry.Pending with { Recipients = recipients.DrainToImmutable() },
                Failures = failures.DrainToImmutable(),
            };
        },
        place.Message,
        place.Domain);

    static DelayedEntry ReadMessage(Statement.Rows message, DelayCursor place) => new(
        new QueueId(message.GetString(0)),
        place.Domain,
        new Envelope(
            message.IsDBNull(2) ? null : MailboxText.Read(message.GetString(2)),
            [],
            SmtpUtf8: message.GetInt64(3) != 0,
            Return: message.IsDBNull(5) ? null : (DsnReturn)message.GetInt32(5),
            EnvelopeId: Text(message, 6),
            Tls: (MessageTls)message.GetInt32(7)),
        [],
        DateTimeOffset.FromUnixTimeMilliseconds(message.GetInt64(1)),
        message.GetInt64(4));

    static string? Text(Statement.Rows row, int column) => row.IsDBNull(column) ? null : row.GetString(column);
}
