using System.Collections.Immutable;
using Hopseal.Reports.Store;
using Microsoft.Data.Sqlite;

namespace Hopseal.Reports.Tlsrpt.Sending;

/// <summary>Rows of the reports that were made: how each moves from one state to the next. Called in a transaction of the writer.</summary>
static class SentRows
{
    /// <summary>Of a text that quotes a peer.</summary>
    const int MostCharacters = 500;

    /// <summary>Mail in the queue is looked for after so long.</summary>
    static readonly TimeSpan s_quiet = TimeSpan.FromHours(1);

    static readonly DateOnly s_epoch = new(1970, 1, 1);

    public static long Insert(SqliteConnection connection, SentReport report, byte[] content, ImmutableArray<string> targets)
    {
        var id = connection.Read(
            """
            INSERT INTO tlsrpt_sent (report, day, domain, made_at, gives_up_at, successful, failed, state, why, content)
            VALUES ($report, $day, $domain, $made, $end, $successful, $failed, $state, $why, $content) RETURNING id
            """,
            row => row.GetInt64(0),
            ("$report", report.ReportId), ("$day", DayOf(report.Day)), ("$domain", report.Domain), ("$made", Time(report.MadeAt)), ("$end", Time(report.GivesUpAt)),
            ("$successful", report.Successful), ("$failed", report.Failed), ("$state", (long)report.State), ("$why", Cut(report.Why)), ("$content", content))[0];
        foreach (var uri in targets)
        {
            connection.Run(
                "INSERT INTO tlsrpt_targets (report, uri, state, tries, due_at) VALUES ($report, $uri, 0, 0, $due)",
                ("$report", id), ("$uri", uri), ("$due", Time(report.MadeAt)));
        }

        return id;
    }

    /// <summary>The message is known by its id before it is in the queue: after a crash it is looked for there.</summary>
    public static void Queue(SqliteConnection connection, long target, string message, DateTimeOffset now) => connection.Run(
        "UPDATE tlsrpt_targets SET state = 1, tries = tries + 1, message = $message, due_at = $now WHERE id = $id AND state = 0",
        ("$id", target), ("$message", message), ("$now", Time(now)));

    /// <summary>Of one that waits, or is in the queue.</summary>
    /// <param name="state">Sent or failed.</param>
    public static void Settle(SqliteConnection connection, long target, TargetState state, int tries, string? why, DateTimeOffset now)
    {
        connection.Run(
            "UPDATE tlsrpt_targets SET state = $state, tries = tries + $tries, why = $why, settled_at = $now WHERE id = $id AND state IN (0, 1)",
            ("$id", target), ("$state", (long)state), ("$tries", tries), ("$why", Cut(why)), ("$now", Time(now)));
        Follow(connection, target);
    }

    /// <summary>The same of mail that carries it.</summary>
    public static void SettleMessage(SqliteConnection connection, string message, TargetState state, string? why, DateTimeOffset now)
    {
        foreach (var target in connection.Read("SELECT id FROM tlsrpt_targets WHERE message = $message AND state = 1", row => row.GetInt64(0), ("$message", message)))
        {
            Settle(connection, target, state, 0, why, now);
        }
    }

    public static void Retry(SqliteConnection connection, long target, int tries, string why, DateTimeOffset due) => connection.Run(
        "UPDATE tlsrpt_targets SET state = 0, tries = tries + $tries, why = $why, due_at = $due WHERE id = $id AND state IN (0, 1)",
        ("$id", target), ("$tries", tries), ("$why", Cut(why)), ("$due", Time(due)));

    /// <summary>Targets of reports that may be sent and whose time has come; mail in the queue when it is over, or when nothing was heard of it for a while.</summary>
    public static ImmutableArray<DueTarget> Due(SqliteConnection connection, DateTimeOffset now, int limit) => connection.Read(
        """
        SELECT t.id, t.uri, t.state, t.tries, t.message, r.day, r.domain, r.gives_up_at, r.content
        FROM tlsrpt_targets t JOIN tlsrpt_sent r ON r.id = t.report
        WHERE t.state IN (0, 1) AND t.due_at <= $now AND r.state IN (0, 1) AND (t.state = 0 OR t.due_at <= $quiet)
        ORDER BY t.due_at LIMIT $limit
        """,
        row => new DueTarget(
            row.GetInt64(0), row.GetString(1), (TargetState)row.GetInt32(2), row.GetInt32(3), row.TextOrNull(4), DayOf(row.GetInt64(5)), row.GetString(6), Time(row, 7),
            row.GetFieldValue<byte[]>(8)),
        ("$now", Time(now)), ("$quiet", Time(now - s_quiet)), ("$limit", limit));

    /// <summary>Mail that is still in the queue.</summary>
    public static void Seen(SqliteConnection connection, long target, DateTimeOffset now) => connection.Run(
        "UPDATE tlsrpt_targets SET due_at = $now WHERE id = $id AND state = 1", ("$id", target), ("$now", Time(now)));

    /// <summary>Somebody wants it now.</summary>
    public static void MakeDue(SqliteConnection connection, string? domain, DateOnly? day, DateTimeOffset now) => connection.Run(
        """
        UPDATE tlsrpt_targets SET due_at = $now WHERE state = 0 AND due_at > $now AND report IN (
            SELECT id FROM tlsrpt_sent WHERE state IN (0, 1) AND ($domain IS NULL OR domain = $domain) AND ($day IS NULL OR day = $day))
        """,
        ("$domain", domain), ("$day", day is { } known ? DayOf(known) : null), ("$now", Time(now)));

    /// <returns>Reports that were deleted.</returns>
    public static int DeleteBefore(SqliteConnection connection, long time, int limit)
    {
        var ids = connection.Read("SELECT id FROM tlsrpt_sent WHERE made_at < $time ORDER BY id LIMIT $limit", row => row.GetInt64(0), ("$time", time), ("$limit", limit));
        foreach (var id in ids)
        {
            connection.Run("DELETE FROM tlsrpt_targets WHERE report = $id", ("$id", id));
            connection.Run("DELETE FROM tlsrpt_sent WHERE id = $id", ("$id", id));
        }

        return ids.Length;
    }

    /// <summary>A report is sent when one target has it, and has failed when all have.</summary>
    static void Follow(SqliteConnection connection, long target) => connection.Run(
        """
        UPDATE tlsrpt_sent SET
            state = CASE
                WHEN EXISTS (SELECT 1 FROM tlsrpt_targets WHERE report = tlsrpt_sent.id AND state = 2) THEN 1
                WHEN EXISTS (SELECT 1 FROM tlsrpt_targets WHERE report = tlsrpt_sent.id AND state IN (0, 1)) THEN 0
                ELSE 2 END,
            why = (SELECT why FROM tlsrpt_targets WHERE report = tlsrpt_sent.id AND state = 3 ORDER BY id LIMIT 1)
        WHERE id = (SELECT report FROM tlsrpt_targets WHERE id = $id) AND state IN (0, 1)
        """,
        ("$id", target));

    public static long DayOf(DateOnly day) => day.DayNumber - s_epoch.DayNumber;

    /// <summary>Whatever number stands there.</summary>
    public static DateOnly DayOf(long day) => DateOnly.FromDayNumber((int)Math.Clamp(day + s_epoch.DayNumber, 0, DateOnly.MaxValue.DayNumber));

    public static DateTimeOffset Time(SqliteDataReader row, int column) =>
        DateTimeOffset.FromUnixTimeMilliseconds(Math.Clamp(row.GetInt64(column), DateTimeOffset.MinValue.ToUnixTimeMilliseconds(), DateTimeOffset.MaxValue.ToUnixTimeMilliseconds()));

    public static long Time(DateTimeOffset time) => time.ToUnixTimeMilliseconds();

    static string? Cut(string? text) => text?.Length > MostCharacters ? text[..MostCharacters] : text;
}
