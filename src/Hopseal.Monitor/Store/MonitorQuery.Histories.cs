using System.Collections.Concurrent;
using System.Collections.Immutable;
using Hopseal.Audit.Facts;
using Hopseal.Dns;
using Hopseal.Monitor.Looks;
using Hopseal.Reports.Store;
using Microsoft.Data.Sqlite;

namespace Hopseal.Monitor.Store;

public sealed partial class MonitorQuery
{
    /// <summary>Of one domain, within <see cref="DomainHistory.Memory"/>.</summary>
    const int MostRecent = 50;

    // Facts never change under their id. Kept without their dialogues, for Histories.
    readonly ConcurrentDictionary<long, AuditFacts?> _facts = [];

    /// <summary>Of all domains that are watched. Facts are without transcripts. What was read once is kept, so that asking every minute costs little.</summary>
    public ImmutableArray<DomainHistory> Histories()
    {
        using var connection = open();
        var read = Histories(connection, null, Known);
        var used = read.SelectMany(history => history.Recent).Concat(read.Select(history => history.Reference).OfType<Observation>()).Select(one => one.Id).ToHashSet();
        foreach (var id in _facts.Keys.Where(id => !used.Contains(id)))
        {
            _facts.TryRemove(id, out _);
        }

        return read;
    }

    /// <summary>Null when it is not watched. Facts are whole.</summary>
    public DomainHistory? Find(string domain)
    {
        using var connection = open();
        return Histories(connection, domain, FactsOf) is [var one] ? one : null;
    }

    /// <summary>With what waits for another look.</summary>
    internal (DomainHistory History, PendingLook? Pending)? FindWithPending(string domain)
    {
        using var connection = open();
        return Histories(connection, domain, FactsOf) is [var one] ? (one, PendingOf(connection, domain)) : null;
    }

    /// <summary>What the domain looked like, the newest first; whether it is watched still or not.</summary>
    /// <param name="before">The id of the last one of the page before; null: the first page.</param>
    public ImmutableArray<Observation> Observations(string domain, long? before, int limit)
    {
        using var connection = open();
        return
        [
            .. connection.Read(
                "SELECT id, first_seen_at, last_seen_at, facts FROM monitor_observations WHERE domain = $domain AND id < $before ORDER BY id DESC LIMIT $limit",
                row => Unpack(row.GetFieldValue<byte[]>(3)) is { } facts ? new Observation(row.GetInt64(0), facts, row.Time(1), row.Time(2)) : null,
                ("$domain", domain), ("$before", before ?? long.MaxValue), ("$limit", limit)).OfType<Observation>()
        ];
    }

    /// <summary>The domains whose next look is kept, with its time.</summary>
    internal ImmutableArray<(string Name, DateTimeOffset NextAt)> Due()
    {
        using var connection = open();
        return connection.Read("SELECT name, next_at FROM monitor_domains WHERE watched = 1", row => (row.GetString(0), row.Time(1)));
    }

    ImmutableArray<DomainHistory> Histories(SqliteConnection connection, string? domain, Func<SqliteConnection, long, AuditFacts?> facts)
    {
        var since = Rows.Number(clock.GetUtcNow() - DomainHistory.Memory);
        var domains = connection.Read(
            $"SELECT {ListColumns}, reference FROM monitor_domains WHERE watched = 1 AND ($domain IS NULL OR name = $domain) ORDER BY name",
            row => (Row: Row(row), Reference: row.NumberOrNull(15)),
            ("$domain", domain));
        var observations = connection.Read(
            """
            WITH d AS MATERIALIZED (
                SELECT name, reference, coalesce(
                    (SELECT max(id) FROM monitor_observations WHERE domain = name AND first_seen_at < $since),
                    (SELECT min(id) FROM monitor_observations WHERE domain = name)) AS first
                FROM monitor_domains WHERE watched = 1 AND ($domain IS NULL OR name = $domain))
            SELECT o.domain, o.id, o.first_seen_at, o.last_seen_at FROM d JOIN monitor_observations o ON o.domain = d.name AND o.id >= d.first
            UNION SELECT o.domain, o.id, o.first_seen_at, o.last_seen_at FROM d JOIN monitor_observations o ON o.id = d.reference
            ORDER BY 2
            """,
            row => (Domain: row.GetString(0), Id: row.GetInt64(1), First: row.Time(2), Last: row.Time(3)),
            ("$domain", domain), ("$since", since)).ToLookup(observation => observation.Domain);
        var histories = ImmutableArray.CreateBuilder<DomainHistory>();
        foreach (var (row, reference) in domains)
        {
            if (!DomainName.TryParse(row.Name, out var name))
            {
                continue;
            }

            // Only what is handed out is unpacked: whoever changes with every look has more than that.
            var known = observations[row.Name].ToArray();
            var isOld = known is [{ Id: var first }, { First: var second }, ..] && first == reference && second < clock.GetUtcNow() - DomainHistory.Memory;
            ImmutableArray<Observation> recent = [.. known.Skip(isOld ? 1 : 0).Reverse().Select(Unpacked).OfType<Observation>().Take(MostRecent).Reverse()];
            var expected = recent.FirstOrDefault(one => one.Id == reference) ?? known.Where(one => one.Id == reference).Select(Unpacked).FirstOrDefault();
            histories.Add(new DomainHistory(new WatchedDomain(name, row.As), expected, recent, row.Looks));

            Observation? Unpacked((string Domain, long Id, DateTimeOffset First, DateTimeOffset Last) one) =>
                facts(connection, one.Id) is { } seen ? new Observation(one.Id, seen, one.First, one.Last) : null;
        }

        return histories.DrainToImmutable();
    }

    AuditFacts? Known(SqliteConnection connection, long id) =>
        _facts.GetOrAdd(id, static (key, from) => FactsOf(from, key) is { } facts ? FactsBlob.Slim(facts) : null, connection);

    static AuditFacts? FactsOf(SqliteConnection connection, long id) =>
        connection.Read("SELECT facts FROM monitor_observations WHERE id = $id", row => Unpack(row.GetFieldValue<byte[]>(0)), ("$id", id)) is [var facts] ? facts : null;

    static PendingLook? PendingOf(SqliteConnection connection, string domain) => connection.Read(
        "SELECT facts, seen_at, rounds FROM monitor_pending WHERE domain = $domain",
        row => Unpack(row.GetFieldValue<byte[]>(0)) is { } facts ? new PendingLook(facts, row.Time(1), row.GetInt32(2)) : null,
        ("$domain", domain)) is [var pending] ? pending : null;

    /// <summary>Null of one that is damaged: it is as if it had not been seen, and the next look begins anew.</summary>
    static AuditFacts? Unpack(byte[] packed)
    {
        try
        {
            return FactsBlob.Read(packed);
        }
        catch (InvalidDataException)
        {
            return null;
        }
    }
}
