using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using Hopseal.Reports.Store;
using Microsoft.Data.Sqlite;

namespace Hopseal.Reports.Sessions;

/// <summary>Reads what <see cref="SessionStore"/> keeps. Each question costs what its answer is long, not what is stored: pages follow an index,
/// and sums are read as sums.</summary>
/// <param name="open">Opens a connection that cannot write.</param>
public sealed class SessionQuery(Func<SqliteConnection> open)
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
            row.GetString(0), Text(row, 1), Time(row, 2), Time(row, 3), (TransportLevel)row.GetInt32(4), row.GetInt64(5), row.GetInt64(6), row.GetInt64(7), row.GetInt64(8),
            row.GetInt64(9)),
        ("$at", after?.LastAt.ToUnixTimeMilliseconds() ?? long.MaxValue), ("$peer", after?.Peer ?? ""), ("$search", search?.ToLowerInvariant()), ("$limit", limit));

    /// <summary>Single sessions, the newest first.</summary>
    /// <param name="after">The id of the last one of the page before; null: the first page.</param>
    public ImmutableArray<SessionRow> Sessions(SessionFilter filter, long? after, int limit)
    {
        ArgumentNullException.ThrowIfNull(filter);
        var (where, parameters) = Where(filter, after, "sessions");
        if (filter.Direction is { } direction)
        {
            where.Append(" AND direction = $direction");
            parameters.Add(("$direction", (long)direction));
        }

        if (filter.Domain is { } domain)
        {
            where.Append(" AND domain = $domain");
            parameters.Add(("$domain", domain));
        }

        if (filter.Peer is { } peer)
        {
            where.Append(" AND peer = $peer");
            parameters.Add(("$peer", peer));
        }

        if (filter.Level is { } level)
        {
            where.Append(" AND level = $level");
            parameters.Add(("$level", (long)level));
        }

        if (filter.Trouble)
        {
            where.Append(" AND trouble = 1");
        }

        return Read($"SELECT {SessionRow.Columns} FROM sessions WHERE {where} ORDER BY id DESC LIMIT $limit", SessionRow.Of, [.. parameters, ("$limit", limit)]);
    }

    /// <summary>When the oldest session that is still kept ended; null: none is.</summary>
    public DateTimeOffset? Oldest() => Read<DateTimeOffset?>("SELECT ended FROM sessions ORDER BY ended LIMIT 1", row => Time(row, 0)).FirstOrDefault();

    /// <param name="id">See <see cref="SessionRow.Id"/>.</param>
    public SessionRow? Session(long id) =>
        Read($"SELECT {SessionRow.Columns} FROM sessions WHERE id = $id", SessionRow.Of, ("$id", id)).FirstOrDefault();

    /// <summary>Attempts, the newest first.</summary>
    public ImmutableArray<AttemptRow> Attempts(string? domain, string? message, DateTimeOffset? from, DateTimeOffset? to, long? after, int limit)
    {
        var (where, parameters) = Where(new SessionFilter { From = from, To = to }, after, "attempts");
        if (domain is not null)
        {
            where.Append(" AND domain = $domain");
            parameters.Add(("$domain", domain));
        }

        if (message is not null)
        {
            where.Append(" AND message = $message");
            parameters.Add(("$message", message));
        }

        return Read($"SELECT {AttemptRow.Columns} FROM attempts WHERE {where} ORDER BY id DESC LIMIT $limit", AttemptRow.Of, [.. parameters, ("$limit", limit)]);
    }

    static (StringBuilder Where, List<(string, object?)> Parameters) Where(SessionFilter filter, long? after, string table)
    {
        var where = new StringBuilder("id < $before");
        List<(string, object?)> parameters = [("$before", after ?? long.MaxValue)];
        if (filter.From is { } from)
        {
            // Rows come in the order of their end, nearly; the id bounds the walk and the time decides.
            where.Append(CultureInfo.InvariantCulture, $" AND ended >= $from AND id >= coalesce((SELECT min(id) - 10000 FROM (SELECT id FROM {table} WHERE ended >= $from ORDER BY ended LIMIT 1)), $before)");
            parameters.Add(("$from", from.ToUnixTimeMilliseconds()));
        }

        if (filter.To is { } to)
        {
            where.Append(CultureInfo.InvariantCulture, $" AND ended < $to AND id <= coalesce((SELECT max(id) + 10000 FROM (SELECT id FROM {table} WHERE ended < $to ORDER BY ended DESC LIMIT 1)), 0)");
            parameters.Add(("$to", to.ToUnixTimeMilliseconds()));
        }

        return (where, parameters);
    }

    static DestinationRow Destination(SqliteDataReader row) => new(
        row.GetString(0), Time(row, 1), row.IsDBNull(2) ? null : (TransportLevel)row.GetInt32(2), row.IsDBNull(3) ? null : Time(row, 3), Text(row, 4), Text(row, 5),
        row.GetInt64(6), row.GetInt64(7), row.GetInt64(8), row.GetInt64(9), row.GetInt64(10), row.GetInt64(11), row.GetInt64(12));

    internal static string? Text(SqliteDataReader row, int column) => row.IsDBNull(column) ? null : row.GetString(column);

    internal static DateTimeOffset Time(SqliteDataReader row, int column) => DateTimeOffset.FromUnixTimeMilliseconds(row.GetInt64(column));

    ImmutableArray<T> Read<T>(string sql, Func<SqliteDataReader, T> of, params ReadOnlySpan<(string Name, object? Value)> parameters)
    {
        using var connection = open();
        using var command = connection.CreateCommand();
#pragma warning disable CA2100 // constants of this file
        command.CommandText = sql;
#pragma warning restore CA2100
        foreach (var (name, value) in parameters)
        {
            command.Parameters.AddWithValue(name, value ?? DBNull.Value);
        }

        using var rows = command.ExecuteReader();
        var read = ImmutableArray.CreateBuilder<T>();
        while (rows.Read())
        {
            read.Add(of(rows));
        }

        return read.DrainToImmutable();
    }
}
