using System.Collections.Immutable;
using Hopseal.Reports.Store;
using Microsoft.Data.Sqlite;

namespace Hopseal.Reports.Sessions;

/// <summary>Reads what <see cref="SessionStore"/> keeps. Each question costs what its answer is long, not what is stored: pages follow an index,
/// and sums are read as sums.</summary>
/// <param name="open">Opens a connection that cannot write.</param>
public sealed partial class SessionQuery(Func<SqliteConnection> open)
{
    public SessionQuery(RecordsDatabase database)
        : this(database.OpenReader)
    {
    }

    /// <summary>Of a database file that a gateway may be writing to.</summary>
    public static SessionQuery OfFile(string file) => new(() => RecordsDatabase.OpenToRead(file));

    /// <summary>Sessions over time.</summary>
    /// <param name="bucket">Whole hours.</param>
    public ImmutableArray<TrafficPoint> Traffic(DateTimeOffset from, DateTimeOffset to, TimeSpan bucket)
    {
        var hours = Math.Max(1, (long)bucket.TotalHours);
        return Read(
            "SELECT hour / $hours * $hours, direction, level, sum(sessions), sum(messages) FROM traffic WHERE hour >= $from AND hour < $to GROUP BY 1, 2, 3 ORDER BY 1, 2, 3",
            row => new TrafficPoint(
                DateTimeOffset.FromUnixTimeMilliseconds(row.GetInt64(0) * Times.Hour), (Direction)row.GetInt32(1), (TransportLevel)row.GetInt32(2), row.GetInt64(3), row.GetInt64(4)),
            ("$hours", hours), ("$from", from.ToUnixTimeMilliseconds() / Times.Hour), ("$to", (to.ToUnixTimeMilliseconds() + Times.Hour - 1) / Times.Hour));
    }

    /// <summary>Domains that mail went to, by name.</summary>
    /// <param name="search">A part of the name; null: all.</param>
    /// <param name="after">The last one of the page before; null: the first page.</param>
    public ImmutableArray<DestinationRow> Destinations(DateTimeOffset from, string? search, string? after, int limit) => Read(
        """
        SELECT d.domain, d.last_at, d.last_level, d.last_failure_at, d.last_failure, d.last_failure_type,
            coalesce(sum(s.delivered), 0), coalesce(sum(s.plaintext), 0), coalesce(sum(s.authenticated), 0), coalesce(sum(s.deferred), 0), coalesce(sum(s.bounced), 0),
            coalesce(sum(s.attempts), 0), coalesce(sum(s.failures), 0)
        FROM (SELECT * FROM destinations WHERE domain > $after AND ($search IS NULL OR instr(domain, $search) > 0) ORDER BY domain LIMIT $limit) d
        LEFT JOIN destination_days s ON s.domain = d.domain AND s.day >= $day
        GROUP BY d.domain ORDER BY d.domain
        """,
        Destination,
        ("$after", after ?? ""), ("$search", search?.ToLowerInvariant()), ("$limit", limit), ("$day", from.ToUnixTimeMilliseconds() / Times.Day));

    /// <summary>One of them.</summary>
    public DestinationRow? Destination(string domain, DateTimeOffset from) => Read(
        """
        SELECT d.domain, d.last_at, d.last_level, d.last_failure_at, d.last_failure, d.last_failure_type,
            coalesce(sum(s.delivered), 0), coalesce(sum(s.plaintext), 0), coalesce(sum(s.authenticated), 0), coalesce(sum(s.deferred), 0), coalesce(sum(s.bounced), 0),
            coalesce(sum(s.attempts), 0), coalesce(sum(s.failures), 0)
        FROM destinations d LEFT JOIN destination_days s ON s.domain = d.domain AND s.day >= $day
        WHERE d.domain = $domain GROUP BY d.domain
        """,
        Destination,
        ("$domain", domain), ("$day", from.ToUnixTimeMilliseconds() / Times.Day)).FirstOrDefault();

    /// <summary>Sums of each day for a domain; for all of them where it is null.</summary>
    public ImmutableArray<DestinationDay> DestinationDays(string? domain, DateTimeOffset from) => Read(
        domain is null
            ? """
              SELECT domain, day, delivered, plaintext, authenticated, deferred, bounced, attempts, failures FROM destination_days INDEXED BY destination_days_day
              WHERE day >= $day ORDER BY day
              """
            : """
              SELECT domain, day, delivered, plaintext, authenticated, deferred, bounced, attempts, failures FROM destination_days
              WHERE domain = $domain AND day >= $day ORDER BY day
              """,
        row => new DestinationDay(
            row.GetString(0), DateOnly.FromDateTime(DateTimeOffset.FromUnixTimeMilliseconds(row.GetInt64(1) * Times.Day).UtcDateTime),
            row.GetInt64(2), row.GetInt64(3), row.GetInt64(4), row.GetInt64(5), row.GetInt64(6), row.GetInt64(7), row.GetInt64(8)),
        ("$domain", domain), ("$day", from.ToUnixTimeMilliseconds() / Times.Day));

    /// <summary>Clients that sent us mail, those seen last first.</summary>
    /// <param name="after">The last one of the page before.</param>
    public ImmutableArray<PeerRow> Peers(string? search, PeerRow? after, int limit) => Read(
        """
        SELECT peer, name, first_at, last_at, last_level, sessions, plaintext, authenticated, trouble, messages FROM peers
        WHERE (last_at, peer) < ($at, $peer) AND ($search IS NULL OR instr(peer, $search) > 0 OR instr(lower(coalesce(name, '')), $search) > 0)
        ORDER BY last_at DESC, peer DESC LIMIT $limit
        """,
        row => new PeerRow(
            row.GetString(0), row.TextOrNull(1), Time(row, 2), Time(row, 3), (TransportLevel)row.GetInt32(4), row.GetInt64(5), row.GetInt64(6), row.GetInt64(7), row.GetInt64(8),
            row.GetInt64(9)),
        ("$at", after?.LastAt.ToUnixTimeMilliseconds() ?? long.MaxValue), ("$peer", after?.Peer ?? ""), ("$search", search?.ToLowerInvariant()), ("$limit", limit));

    static DestinationRow Destination(SqliteDataReader row) => new(
        row.GetString(0), Time(row, 1), row.IsDBNull(2) ? null : (TransportLevel)row.GetInt32(2), row.IsDBNull(3) ? null : Time(row, 3), row.TextOrNull(4), row.TextOrNull(5),
        row.GetInt64(6), row.GetInt64(7), row.GetInt64(8), row.GetInt64(9), row.GetInt64(10), row.GetInt64(11), row.GetInt64(12));

    internal static DateTimeOffset Time(SqliteDataReader row, int column) => DateTimeOffset.FromUnixTimeMilliseconds(row.GetInt64(column));

    ImmutableArray<T> Read<T>(string sql, Func<SqliteDataReader, T> of, params ReadOnlySpan<(string Name, object? Value)> parameters)
    {
        using var connection = open();
        return connection.Read(sql, of, parameters);
    }
}
