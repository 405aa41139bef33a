using System.Collections.Immutable;
using System.Globalization;
using Hopseal.Reports.Store;
using Microsoft.Data.Sqlite;

namespace Hopseal.Reports.Sessions;

/// <summary>Sessions and attempts one by one, by pages.</summary>
public sealed partial class SessionQuery
{
    /// <summary>Rows that one page looks at where no index has all that was asked for: a tenth of a second.</summary>
    const int MostWalked = 20_000;

    /// <summary>The same where they follow each other in the file.</summary>
    const int MostWalkedInARow = 100_000;

    /// <summary>Rows come in the order of their end, nearly: so far from its place one may be.</summary>
    const int Disorder = 10_000;

    /// <summary>Single sessions, the newest first: as many as are asked for, however long it takes to find them.</summary>
    /// <param name="after">The id of the last one of the page before; null: the first page.</param>
    public ImmutableArray<SessionRow> Sessions(SessionFilter filter, long? after, int limit)
    {
        var rows = ImmutableArray.CreateBuilder<SessionRow>();
        var page = Page(filter, after, limit);
        rows.AddRange(page.Rows);
        while (page.Next is { } next && rows.Count < limit)
        {
            page = Page(filter, next, limit - rows.Count);
            rows.AddRange(page.Rows);
        }

        return rows.DrainToImmutable();
    }

    /// <summary>The same by pages that are never slow: one may have fewer rows than were asked for, or none, although there are more.</summary>
    /// <param name="after"><see cref="SessionPage.Next"/> of the page before; null: the first page.</param>
    public SessionPage Page(SessionFilter filter, long? after, int limit)
    {
        ArgumentNullException.ThrowIfNull(filter);
        using var connection = open();
        if (Bounds(connection, "sessions", filter.From, filter.To, after) is not var (low, high) || filter is { Direction: Direction.In, Domain: not null })
        {
            return new SessionPage([], null);
        }

        var (lead, rest) = Conditions(filter);
        List<(string, object?)> parameters =
        [
            ("$domain", filter.Domain), ("$peer", filter.Peer), ("$direction", (long?)filter.Direction), ("$from", filter.From?.ToUnixTimeMilliseconds()),
            ("$to", filter.To?.ToUnixTimeMilliseconds()), ("$low", low), ("$high", high), ("$limit", limit),
        ];
        var floor = rest is null ? low : Math.Max(low, Floor(connection, lead, high, [.. parameters]));
        parameters.Add(("$floor", floor));
        var rows = connection.Read(
            $"""
            SELECT {SessionRow.Columns} FROM sessions
            WHERE id >= $floor AND id < $high{And(lead)}{And(rest)}{(filter.From is null ? "" : " AND ended >= $from")}{(filter.To is null ? "" : " AND ended < $to")}
            ORDER BY id DESC LIMIT $limit
            """,
            SessionRow.Of,
            [.. parameters]);
        return new SessionPage(rows, rows.Length == limit ? rows[^1].Id : floor > low ? floor : null);
    }

    /// <summary>When the oldest session that is still kept ended; null: none is.</summary>
    public DateTimeOffset? Oldest() => Read<DateTimeOffset?>("SELECT ended FROM sessions ORDER BY ended LIMIT 1", row => Time(row, 0)).FirstOrDefault();

    /// <param name="id">See <see cref="SessionRow.Id"/>.</param>
    public SessionRow? Session(long id) =>
        Read($"SELECT {SessionRow.Columns} FROM sessions WHERE id = $id", SessionRow.Of, ("$id", id)).FirstOrDefault();

    /// <summary>Attempts, the newest first.</summary>
    /// <param name="after">The id of the last one of the page before; null: the first page.</param>
    public ImmutableArray<AttemptRow> Attempts(string? domain, string? message, DateTimeOffset? from, DateTimeOffset? to, long? after, int limit)
    {
        using var connection = open();
        return Bounds(connection, "attempts", from, to, after) is not var (low, high) ? [] : connection.Read(
            $"""
            SELECT {AttemptRow.Columns} FROM attempts
            WHERE id >= $low AND id < $high{(domain is null ? "" : " AND domain = $domain")}{(message is null ? "" : " AND message = $message")}
                {(from is null ? "" : " AND ended >= $from")}{(to is null ? "" : " AND ended < $to")}
            ORDER BY id DESC LIMIT $limit
            """,
            AttemptRow.Of,
            ("$low", low), ("$high", high), ("$domain", domain), ("$message", message), ("$from", from?.ToUnixTimeMilliseconds()), ("$to", to?.ToUnixTimeMilliseconds()),
            ("$limit", limit));
    }

    /// <summary>What an index has, and what has to be looked for in its rows. Levels are written out: an index of one level is no use to a
    /// parameter.</summary>
    static (string? Lead, string? Others) Conditions(SessionFilter filter)
    {
        var level = filter.Level is { } wanted ? string.Create(CultureInfo.InvariantCulture, $"level = {(int)wanted}") : null;
        string?[] indexed =
        [
            filter.Domain is null ? null : "domain = $domain", filter.Peer is null ? null : "peer = $peer", filter.Trouble ? "trouble = 1" : null,
            filter.Level is TransportLevel.Plaintext ? level : null,
        ];
        var lead = indexed.FirstOrDefault(condition => condition is not null);
        string[] rest =
        [
            .. indexed.OfType<string>().Append(level).Append(filter is { Direction: not null, Domain: null } ? "direction = $direction" : null).OfType<string>().Distinct()
                .Where(condition => condition != lead),
        ];
        return (lead, rest.Length == 0 ? null : string.Join(" AND ", rest));
    }

    static string And(string? condition) => condition is null ? "" : $" AND {condition}";

    /// <summary>The ids between which rows of that time are: low is included, high is not. Null when there can be none.</summary>
    static (long Low, long High)? Bounds(SqliteConnection connection, string table, DateTimeOffset? from, DateTimeOffset? to, long? after)
    {
        var high = after ?? long.MaxValue;
        var low = 0L;
        if (to is { } end)
        {
            if (connection.Number($"SELECT id FROM {table} WHERE ended < $time ORDER BY ended DESC LIMIT 1", ("$time", end.ToUnixTimeMilliseconds())) is not { } last)
            {
                return null;
            }

            high = Math.Min(high, last + Disorder);
        }

        if (from is { } start)
        {
            if (connection.Number($"SELECT id FROM {table} WHERE ended >= $time ORDER BY ended LIMIT 1", ("$time", start.ToUnixTimeMilliseconds())) is not { } first)
            {
                return null;
            }

            low = Math.Max(low, first - Disorder);
        }

        return low < high ? (low, high) : null;
    }

    /// <summary>How far down a page looks.</summary>
    static long Floor(SqliteConnection connection, string? lead, long high, (string, object?)[] parameters) => lead is null
        ? Math.Min(high, (connection.Number("SELECT max(id) FROM sessions") ?? 0) + 1) - MostWalkedInARow
        : connection.Number(
            string.Create(CultureInfo.InvariantCulture, $"SELECT id FROM sessions WHERE {lead} AND id >= $low AND id < $high ORDER BY id DESC LIMIT 1 OFFSET {MostWalked - 1}"),
            parameters) ?? 0;
}
