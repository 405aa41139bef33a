using System.Collections.Immutable;
using Hopseal.Relay.Queue;
using Hopseal.Smtp.Mail;

namespace Hopseal.Relay.Stores.Sqlite;

/// <summary>Reads the queue for people: in the order of arrival, page by page, beside the writer and never in its way.</summary>
sealed class QueueListing(Readers readers)
{
    // Entries in the order of their key, which is that of arrival. The conditions on entries come before the look at the message.
    const string Selected =
        """
        FROM entries e CROSS JOIN messages m ON m.number = e.message LEFT JOIN domains d ON d.domain = e.domain
            WHERE (e.message, e.domain) > (?1, ?2) AND e.message <= ?11
                AND (?3 IS NULL OR e.domain = ?3)
                AND (?4 IS NULL OR substr(e.domain, -length(?4)) = ?4)
                AND (?5 IS NULL OR m.return_path = ?5 COLLATE NOCASE OR (?5 = '' AND m.return_path IS NULL))
                AND (?6 IS NULL OR substr(m.return_path, -length(?6)) = ?6 COLLATE NOCASE)
                AND (?7 IS NULL OR m.received_at < ?7)
                AND (?8 IS NULL OR m.received_at > ?8)
                AND (?9 IS NULL OR ?9 = CASE WHEN e.leased AND ?10 THEN 3 WHEN e.held THEN 2 WHEN e.attempts = 0 THEN 0 ELSE 1 END)
        """;

    const string Page =
        $"""
        SELECT e.message, e.domain, e.attempts, max(e.due_at, ifnull(d.not_before, 0)), e.held, e.leased AND ?10,
            m.id, m.received_at, m.return_path, m.size {Selected} ORDER BY e.message, e.domain
        """;

    const string Total = $"SELECT count(*) {Selected}";

    const string RecipientColumns = "SELECT address, domain, state, status, reason FROM recipients WHERE message = ?1 ORDER BY position";

    const string Message =
        "SELECT number, received_at, size, return_path, body, smtputf8, envelope_id, tls FROM messages WHERE id = ?1";

    /// <param name="attempting">Whether attempts are made at all: else what is written down as leased was left by a crash.</param>
    public QueuePage Read(QueueSelection selection, QueuePosition after, int limit, bool attempting)
    {
        if (selection.Ids.IsEmpty)
        {
            return Read(selection, after, long.MaxValue, limit, attempting);
        }

        // They are few, and each is found by its id.
        var found = selection.Ids.Distinct()
            .SelectMany(id => NumberOf(id) is { } number && number >= after.Message
                ? Read(selection, Later(after, new QueuePosition(number, "")), number, limit + 1, attempting).Entries.Select(entry => (number, entry))
                : [])
            .OrderBy(pair => pair.number).ThenBy(pair => pair.entry.Domain, StringComparer.Ordinal)
            .Take(limit + 1).ToList();
        return new QueuePage(
            [.. found.Take(limit).Select(pair => pair.entry)],
            found.Count > limit ? new QueuePosition(found[limit - 1].number, found[limit - 1].entry.Domain) : null);
    }

    /// <summary>Entries behind a place.</summary>
    public long Count(QueueSelection selection, QueuePosition after, bool attempting)
    {
        if (selection.Ids.IsEmpty)
        {
            return readers.Read(Total, rows => rows.Read() ? rows.GetInt64(0) : 0, Values(selection, after, long.MaxValue, attempting));
        }

        return selection.Ids.Distinct().Sum(id => NumberOf(id) is { } number && number >= after.Message
            ? readers.Read(
                Total, rows => rows.Read() ? rows.GetInt64(0) : 0, Values(selection, Later(after, new QueuePosition(number, "")), number, attempting))
            : 0);
    }

    /// <summary>Null when it is not in the queue.</summary>
    public QueuedMessage? Find(QueueId id, bool attempting)
    {
        var found = readers.Read<(long Number, QueuedMessage Message)?>(
            Message,
            rows => rows.Read()
                ? (rows.GetInt64(0), new QueuedMessage(
                    id,
                    DateTimeOffset.FromUnixTimeMilliseconds(rows.GetInt64(1)),
                    rows.GetInt64(2),
                    rows.IsDBNull(3) ? null : rows.GetString(3),
                    (BodyType)rows.GetInt32(4),
                    rows.GetInt64(5) != 0,
                    rows.IsDBNull(6) ? null : rows.GetString(6),
                    (MessageTls)rows.GetInt32(7),
                    [],
                    []))
                : null,
            id.Text);
        if (found is not var (number, message))
        {
            return null;
        }

        return message with
        {
            Entries = Read(new QueueSelection(), new QueuePosition(number, ""), number, int.MaxValue, attempting).Entries,
            Recipients = ReadRecipients(number),
        };
    }

    /// <param name="last">The number of the last message to look at.</param>
    QueuePage Read(QueueSelection selection, QueuePosition after, long last, int limit, bool attempting)
    {
        var (found, next) = readers.Read(
            Page,
            rows =>
            {
                var entries = new List<(long Number, QueueEntry Entry)>();
                while (rows.Read())
                {
                    if (entries.Count == limit)
                    {
                        return (entries, new QueuePosition(entries[^1].Number, entries[^1].Entry.Domain));
                    }

                    entries.Add((rows.GetInt64(0), ReadEntry(rows)));
                }

                return (entries, (QueuePosition?)null);
            },
            Values(selection, after, last, attempting));
        return new QueuePage(WithRecipients(found), next);
    }

    /// <summary>Entries of one message stand together: its recipients are read once.</summary>
    ImmutableArray<QueueEntry> WithRecipients(List<(long Number, QueueEntry Entry)> found)
    {
        var entries = ImmutableArray.CreateBuilder<QueueEntry>(found.Count);
        ILookup<string, QueuedRecipient>? pending = null;
        var message = long.MinValue;
        foreach (var (number, entry) in found)
        {
            if (pending is null || number != message)
            {
                message = number;
                pending = ReadRecipients(number).Where(recipient => recipient.State is RecipientState.Pending)
                    .ToLookup(recipient => recipient.Domain, StringComparer.Ordinal);
            }

            var last = pending[entry.Domain].FirstOrDefault(recipient => recipient.Reason is not null);
            entries.Add(entry with { Recipients = pending[entry.Domain].Count(), Status = last?.Status, Reason = last?.Reason });
        }

        return entries.MoveToImmutable();
    }

    ImmutableArray<QueuedRecipient> ReadRecipients(long number) => readers.Read(
        RecipientColumns,
        rows =>
        {
            var recipients = ImmutableArray.CreateBuilder<QueuedRecipient>();
            while (rows.Read())
            {
                recipients.Add(new QueuedRecipient(
                    rows.GetString(0),
                    rows.GetString(1),
                    (RecipientState)rows.GetInt32(2),
                    rows.IsDBNull(3) ? null : rows.GetString(3),
                    rows.IsDBNull(4) ? null : rows.GetString(4)));
            }

            return recipients.DrainToImmutable();
        },
        number);

    long? NumberOf(QueueId id) =>
        readers.Read<long?>("SELECT number FROM messages WHERE id = ?1", rows => rows.Read() ? rows.GetInt64(0) : null, id.Text);

    static QueueEntry ReadEntry(Statement.Rows row)
    {
        var attempts = row.GetInt32(2);
        var held = row.GetInt64(4) != 0;
        var state = (row.GetInt64(5) != 0, held, attempts) switch
        {
            (true, _, _) => EntryState.Attempting,
            (_, true, _) => EntryState.Held,
            (_, _, 0) => EntryState.Waiting,
            _ => EntryState.Deferred,
        };
        return new QueueEntry(
            new QueueId(row.GetString(6)),
            row.GetString(1),
            state,
            held,
            DateTimeOffset.FromUnixTimeMilliseconds(row.GetInt64(7)),
            row.GetInt64(9),
            row.IsDBNull(8) ? null : row.GetString(8),
            0,
            attempts,
            state is EntryState.Waiting or EntryState.Deferred ? DateTimeOffset.FromUnixTimeMilliseconds(row.GetInt64(3)) : null,
            null,
            null);
    }

    static Statement.Value[] Values(QueueSelection selection, QueuePosition after, long last, bool attempting)
    {
        var below = selection.Domain?.StartsWith("*.", StringComparison.Ordinal) == true;
        var senders = selection.Sender?.StartsWith('@') == true;
        return
        [
            after.Message,
            after.Domain,
            below ? null : selection.Domain,
            below ? selection.Domain![1..] : null,
            senders ? null : selection.Sender,
            senders ? selection.Sender : null,
            selection.ReceivedBefore?.ToUnixTimeMilliseconds(),
            selection.ReceivedAfter?.ToUnixTimeMilliseconds(),
            (long?)selection.State,
            attempting ? 1 : 0,
            last,
        ];
    }

    static QueuePosition Later(QueuePosition one, QueuePosition other) => one.Message < other.Message ? other : one;
}
