using System.Collections.Immutable;
using Hopseal.Reports.Store;
using Microsoft.Data.Sqlite;

namespace Hopseal.Reports.Alerts;

/// <summary>Keeps alerts over restarts, and for those who look at them.</summary>
public sealed class AlertStore
{
    const int MostResolved = 10_000;
    const string Columns = "id, rule, subject, severity, text, advice, opened_at, seen_at, resolved_at, silenced_until";

    static readonly long s_latest = DateTimeOffset.MaxValue.ToUnixTimeMilliseconds();

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
        using var command = connection.CreateCommand();
        command.CommandText = "SELECT digest_at FROM alert_digests";
        using var rows = command.ExecuteReader();
        return rows.Read() ? Time(rows, 0) : null;
    }

    /// <summary>Soon, without waiting for it.</summary>
    public void SaveDigest(DateTimeOffset at) => _database!.TryPost(connection =>
    {
        using var command = connection.CreateCommand();
        command.CommandText = "INSERT INTO alert_digests VALUES (1, $at) ON CONFLICT (one) DO UPDATE SET digest_at = excluded.digest_at";
        command.Parameters.AddWithValue("$at", at.ToUnixTimeMilliseconds());
        command.ExecuteNonQuery();
    });

    /// <summary>The highest id that was ever given; 0 before the first.</summary>
    public long LastId()
    {
        using var connection = _open();
        using var command = connection.CreateCommand();
        command.CommandText = "SELECT coalesce(max(id), 0) FROM alerts";
        return (long)command.ExecuteScalar()!;
    }

    /// <summary>Soon, without waiting for it.</summary>
    public void Save(Alert alert) => _database!.TryPost(connection =>
    {
        using var command = connection.CreateCommand();
        command.CommandText =
            $"""
            INSERT INTO alerts ({Columns}) VALUES ($id, $rule, $subject, $severity, $text, $advice, $opened, $seen, $resolved, $silenced)
            ON CONFLICT (id) DO UPDATE SET severity = excluded.severity, text = excluded.text, advice = excluded.advice, seen_at = excluded.seen_at,
                resolved_at = excluded.resolved_at, silenced_until = excluded.silenced_until
                WHERE resolved_at IS NULL;
            DELETE FROM alerts WHERE resolved_at IS NOT NULL AND id <= $id - {MostResolved};
            """;
        command.Parameters.AddWithValue("$id", alert.Id);
        command.Parameters.AddWithValue("$rule", alert.Rule);
        command.Parameters.AddWithValue("$subject", alert.Subject);
        command.Parameters.AddWithValue("$severity", (long)alert.Severity);
        command.Parameters.AddWithValue("$text", alert.Text);
        command.Parameters.AddWithValue("$advice", alert.Advice);
        command.Parameters.AddWithValue("$opened", alert.OpenedAt.ToUnixTimeMilliseconds());
        command.Parameters.AddWithValue("$seen", alert.SeenAt.ToUnixTimeMilliseconds());
        command.Parameters.AddWithValue("$resolved", (object?)alert.ResolvedAt?.ToUnixTimeMilliseconds() ?? DBNull.Value);
        command.Parameters.AddWithValue("$silenced", (object?)alert.SilencedUntil?.ToUnixTimeMilliseconds() ?? DBNull.Value);
        command.ExecuteNonQuery();
    });

    ImmutableArray<Alert> Read(string sql, params ReadOnlySpan<(string Name, object Value)> parameters)
    {
        using var connection = _open();
        using var command = connection.CreateCommand();
#pragma warning disable CA2100 // constants of this file
        command.CommandText = sql;
#pragma warning restore CA2100
        foreach (var (name, value) in parameters)
        {
            command.Parameters.AddWithValue(name, value);
        }

        using var rows = command.ExecuteReader();
        var alerts = ImmutableArray.CreateBuilder<Alert>();
        while (rows.Read())
        {
            alerts.Add(new Alert(
                rows.GetInt64(0), rows.GetString(1), rows.GetString(2), Severity(rows.GetInt64(3)), rows.GetString(4), rows.GetString(5), Time(rows, 6), Time(rows, 7),
                rows.IsDBNull(8) ? null : Time(rows, 8), rows.IsDBNull(9) ? null : Time(rows, 9)));
        }

        return alerts.DrainToImmutable();
    }

    /// <summary>Whatever the file says.</summary>
    static AlertSeverity Severity(long number) => (AlertSeverity)Math.Clamp(number, (long)AlertSeverity.Info, (long)AlertSeverity.Critical);

    static DateTimeOffset Time(SqliteDataReader rows, int column) =>
        DateTimeOffset.FromUnixTimeMilliseconds(Math.Clamp(rows.GetInt64(column), DateTimeOffset.UnixEpoch.ToUnixTimeMilliseconds(), s_latest));
}
