using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Serialization;
using Hopseal.Reports.Store;
using Microsoft.Data.Sqlite;

namespace Hopseal.Reports.Alerts;

/// <param name="Id">Within the outbox.</param>
public sealed record WaitingNotice(long Id, AlertNotice Notice);

/// <summary>Notices that somebody is still to get, over restarts. Bounded for each receiver, so that one who is gone costs no other; a notice whose removal was lost with the last second is told twice.</summary>
public sealed class NoticeOutbox
{
    /// <summary>For one receiver.</summary>
    public const int MostWaiting = 500;

    /// <summary>Read at the start, the newest of each receiver first.</summary>
    const int MostRows = 5_000;
    const int MostCharacters = 20_000;

    readonly RecordsDatabase _database;
    long _lastId;

    readonly ImmutableArray<(string Receiver, WaitingNotice Waiting)> _stored;

    /// <exception cref="SqliteException">It cannot be read.</exception>
    public NoticeOutbox(RecordsDatabase database)
    {
        ArgumentNullException.ThrowIfNull(database);
        _database = database;
        using var connection = database.OpenReader();
        var rows = connection.Read(
            $"""
            SELECT id, receiver, notice
            FROM (SELECT *, row_number() OVER (PARTITION BY receiver ORDER BY id DESC) AS place FROM alert_outbox WHERE length(notice) <= {MostCharacters})
            WHERE place <= {MostWaiting} ORDER BY place, id DESC LIMIT {MostRows}
            """,
            row => (Id: row.GetInt64(0), Receiver: row.GetString(1), Notice: Parse(row.GetString(2))));
        _lastId = rows.IsEmpty ? 0 : Math.Max(0, rows[0].Id);
        _stored = [.. rows.Where(row => row.Notice is not null).OrderBy(row => row.Id).Select(row => (row.Receiver, new WaitingNotice(row.Id, row.Notice!)))];
    }

    /// <summary>Soon, without waiting for it.</summary>
    /// <param name="receiver">Any text; the same after a restart.</param>
    public WaitingNotice Add(string receiver, AlertNotice notice)
    {
        var id = Interlocked.Increment(ref _lastId);
        Post(
            $"""
            INSERT OR REPLACE INTO alert_outbox (id, receiver, notice) VALUES ($id, $receiver, $notice);
            DELETE FROM alert_outbox WHERE receiver = $receiver
                AND id <= (SELECT id FROM alert_outbox WHERE receiver = $receiver ORDER BY id DESC LIMIT 1 OFFSET {MostWaiting});
            """,
            ("$id", id), ("$receiver", receiver), ("$notice", JsonSerializer.Serialize(notice, OutboxJson.Default.AlertNotice)));
        return new WaitingNotice(id, notice);
    }

    /// <summary>It was told, or given up. Soon.</summary>
    public void Remove(long id) => Post("DELETE FROM alert_outbox WHERE id = $id", ("$id", id));

    /// <summary>What waited for one receiver when the outbox was opened, the oldest first. What cannot be read is left out.</summary>
    public ImmutableArray<WaitingNotice> Waiting(string receiver) => [.. _stored.Where(stored => stored.Receiver == receiver).Select(stored => stored.Waiting).TakeLast(MostWaiting)];

    /// <summary>Whoever is no receiver any more gets nothing. Soon.</summary>
    public void Keep(IEnumerable<string> receivers) => Post(
        "DELETE FROM alert_outbox WHERE receiver NOT IN (SELECT value FROM json_each($receivers))",
        ("$receivers", JsonSerializer.Serialize(receivers.ToArray(), OutboxJson.Default.StringArray)));

    /// <summary>Null of what we did not write.</summary>
    static AlertNotice? Parse(string text)
    {
        try
        {
            return JsonSerializer.Deserialize(text, OutboxJson.Default.AlertNotice) is { } notice && Enum.IsDefined(notice.Kind) && Enum.IsDefined(notice.Alert.Severity)
                ? notice
                : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    void Post(string sql, params (string Name, object? Value)[] values) => _database.TryPost(connection => connection.Run(sql, values));
}

/// <summary>What is read back was in a file: it has all that we write, or it is nothing.</summary>
[JsonSerializable(typeof(AlertNotice))]
[JsonSerializable(typeof(string[]))]
[JsonSourceGenerationOptions(UseStringEnumConverter = true, IgnoreReadOnlyProperties = true, RespectNullableAnnotations = true, RespectRequiredConstructorParameters = true)]
sealed partial class OutboxJson : JsonSerializerContext;
