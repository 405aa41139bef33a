using System.Collections.Immutable;
using Hopseal.Reports.Store;
using Microsoft.Data.Sqlite;

namespace Hopseal.Reports.Alerts;

/// <summary>Keeps alerts over restarts, and for those who look at them.</summary>
public sealed class AlertStore
{
    const int MostResolved = 10_000;
    const string Columns = "id, rule, subject, severity, text, advice, opened_at, seen_at, resolved_at, silenced_until";

    readonly Func<SqliteConnection> _open;
    readonly RecordsDatabase? _database;

    public AlertStore(RecordsDatabase database)
    {
        ArgumentNullException.ThrowIfNull(database);
        (_database, _open) = (database, database.OpenReader);
    }

    AlertStore(Func<SqliteConnection> open) => _open = open;

    public static SchemaPart Tables { get; } = new("alerts",
    [
        // severity: AlertSeverity.
        """
        CREATE TABLE alerts (
            id INTEGER PRIMARY KEY,
            rule TEXT NOT NULL,
            subject TEXT NOT NULL,
            severity INTEGER NOT NULL,
            text TEXT NOT NULL,
            advice TEXT NOT NULL,
            opened_at INTEGER NOT NULL,
            seen_at INTEGER NOT NULL,
            resolved_at INTEGER,
            silenced_until INTEGER
        ) STRICT;
        CREATE INDEX alerts_open ON alerts (id) WHERE resolved_at IS NULL;
        """,

        // notice: JSON of AlertNotice. digest_at: of the last daily mail.
        """
        CREATE TABLE alert_outbox (id INTEGER PRIMARY KEY, receiver TEXT NOT NULL, notice TEXT NOT NULL) STRICT;
        CREATE INDEX alert_outbox_receiver ON alert_outbox (receiver, id);
        CREATE TABLE alert_digests (one INTEGER PRIMARY KEY CHECK (one = 1), digest_at INTEGER NOT NULL) STRICT;
        """,
    ]);

    /// <summary>To read only, beside a gateway that may be writing.</summary>
    public static AlertStore OfFile(string file) => new(() => RecordsDatabase.OpenToRead(file));

    public ImmutableArray<Alert> Open() => Read($"SELECT {Columns} FROM alerts WHERE resolved_at IS NULL ORDER BY severity DESC, id DESC LIMIT 10000");

    /// <summary>Open and resolved ones, the newest first.</summary>
    /// <param name="before">The id of the last one of the page before; null: the first page.</param>
    public ImmutableArray<Alert> All(long? before, int limit) => Read(
        $"SELECT {Columns} FROM alerts WHERE id < $before ORDER BY id DESC LIMIT $limit", ("$before", before ?? long.MaxValue), ("$limit", limit));

    /// <summary>Those that began or ended at that time or later, the newest first.</summary>
    public ImmutableArray<Alert> ChangedSince(DateTimeOffset since, int limit) => Read(
        $"SELECT {Columns} FROM alerts WHERE opened_at >= $since OR resolved_at >= $since ORDER BY id DESC LIMIT $limit",
        ("$since", since.ToUnixTimeMilliseconds()), ("$limit", limit));

    /// <summary>When the last daily mail was made; null before the first.</summary>
    public DateTimeOffset? LastDigest()
    {
        using var connection = _open();
        return connection.Read<DateTimeOffset?>("SELECT digest_at FROM alert_digests", row => row.Time(0)).FirstOrDefault();
    }

    /// <summary>Soon, without waiting for it.</summary>
    public void SaveDigest(DateTimeOffset at) => _database!.TryPost(connection => connection.Run(
        "INSERT INTO alert_digests VALUES (1, $at) ON CONFLICT (one) DO UPDATE SET digest_at = excluded.digest_at", ("$at", at.ToUnixTimeMilliseconds())));

    /// <summary>The highest id that was ever given; 0 before the first.</summary>
    public long LastId()
    {
        using var connection = _open();
        return connection.Number("SELECT max(id) FROM alerts") ?? 0;
    }

    /// <summary>Soon, without waiting for it.</summary>
    public void Save(Alert alert) => _database!.TryPost(connection => connection.Run(
        $"""
        INSERT INTO alerts ({Columns}) VALUES ($id, $rule, $subject, $severity, $text, $advice, $opened, $seen, $resolved, $silenced)
        ON CONFLICT (id) DO UPDATE SET severity = excluded.severity, text = excluded.text, advice = excluded.advice, seen_at = excluded.seen_at,
            resolved_at = excluded.resolved_at, silenced_until = excluded.silenced_until
            WHERE resolved_at IS NULL;
        DELETE FROM alerts WHERE resolved_at IS NOT NULL AND id <= $id - {MostResolved};
        """,
        ("$id", alert.Id), ("$rule", alert.Rule), ("$subject", alert.Subject), ("$severity", (long)alert.Severity), ("$text", alert.Text), ("$advice", alert.Advice),
        ("$opened", alert.OpenedAt.ToUnixTimeMilliseconds()), ("$seen", alert.SeenAt.ToUnixTimeMilliseconds()),
        ("$resolved", alert.ResolvedAt?.ToUnixTimeMilliseconds()), ("$silenced", alert.SilencedUntil?.ToUnixTimeMilliseconds())));

    ImmutableArray<Alert> Read(string sql, params ReadOnlySpan<(string Name, object? Value)> values)
    {
        using var connection = _open();
        return connection.Read(
            sql,
            row => new Alert(
                row.GetInt64(0), row.GetString(1), row.GetString(2), Severity(row.GetInt64(3)), row.GetString(4), row.GetString(5), row.Time(6), row.Time(7),
                row.TimeOrNull(8), row.TimeOrNull(9)),
            values);
    }

    /// <summary>Whatever the file says.</summary>
    static AlertSeverity Severity(long number) => (AlertSeverity)Math.Clamp(number, (long)AlertSeverity.Info, (long)AlertSeverity.Critical);
}
