using System.Collections.Immutable;
using Hopseal.Audit.Findings;
using Hopseal.Reports.Store;
using Microsoft.Data.Sqlite;

namespace Hopseal.Monitor.Store;

/// <summary>Reads what is known of the domains that are watched. Each call may throw <see cref="SqliteException"/>. Any thread may use it.</summary>
/// <param name="open">Opens a connection that cannot write.</param>
public sealed partial class MonitorQuery(Func<SqliteConnection> open, TimeProvider clock)
{
    const string ListColumns =
        "name, kind, confidential, authenticated, attended, failing, warnings, last_at, next_at, inconclusive, why, unanswered, changed_at, lost, "
        + "(SELECT seen_at FROM monitor_pending WHERE domain = name)";

    public MonitorQuery(RecordsDatabase database, TimeProvider clock)
        : this(database.OpenReader, clock)
    {
    }

    /// <summary>Of a database file that a gateway may be writing to.</summary>
    public static MonitorQuery OfFile(string file, TimeProvider clock) => new(() => RecordsDatabase.OpenToRead(file), clock);

    /// <summary>Those that are watched, by name.</summary>
    /// <param name="after">The name of the last one of the page before; null: the first page.</param>
    public ImmutableArray<WatchedRow> List(WatchedFilter filter, string? after, int limit)
    {
        ArgumentNullException.ThrowIfNull(filter);
        using var connection = open();
        return connection.Read(
            $"""
            SELECT {ListColumns} FROM monitor_domains
            WHERE watched = 1 AND name > $after AND ($kind IS NULL OR kind = $kind) AND ($worst IS NULL OR overall = $worst)
                AND ($search IS NULL OR instr(name, $search) > 0)
            ORDER BY name LIMIT $limit
            """,
            Row,
            ("$after", after ?? ""), ("$kind", (long?)filter.As), ("$worst", (long?)filter.Worst), ("$search", filter.Search?.ToLowerInvariant()), ("$limit", limit));
    }

    /// <summary>Of all that are watched.</summary>
    public ImmutableArray<WatchedSum> Sums()
    {
        using var connection = open();
        return connection.Read(
            """
            SELECT kind, overall, count(*), sum(inconclusive > 0), CASE WHEN count(last_at) = count(*) THEN min(last_at) END
            FROM monitor_domains WHERE watched = 1 GROUP BY kind, overall ORDER BY kind, overall
            """,
            row => new WatchedSum(Rows.KindOf(row, 0), Rows.VerdictOf(row, 1), row.GetInt32(2), row.GetInt32(3), row.TimeOrNull(4)));
    }

    /// <summary>Open ones first, the worst of them first; then those that were closed, the latest first.</summary>
    /// <param name="domain">In A-labels, as everywhere here.</param>
    /// <param name="closed">So many closed ones at most.</param>
    public ImmutableArray<KeptFinding> Findings(string domain, int closed = 100)
    {
        const string Columns = "finding, subject, question, verdict, title, opened_at, seen_at, closed_at";
        using var connection = open();
        return
        [
            .. connection.Read(
                $"SELECT {Columns} FROM monitor_findings WHERE domain = $domain AND closed_at IS NULL ORDER BY verdict DESC, opened_at, id LIMIT 10000", Finding, ("$domain", domain)),
            .. connection.Read(
                $"SELECT {Columns} FROM monitor_findings WHERE domain = $domain AND closed_at IS NOT NULL ORDER BY id DESC LIMIT $limit", Finding,
                ("$domain", domain), ("$limit", closed)),
        ];
    }

    static WatchedRow Row(SqliteDataReader row) => new(
        row.GetString(0), Rows.KindOf(row, 1), Rows.VerdictOf(row, 2), Rows.VerdictOf(row, 3), Rows.VerdictOf(row, 4), row.GetInt32(5), row.GetInt32(6), Looks(row, 7),
        row.TimeOrNull(12), row.GetInt64(13) != 0);

    /// <param name="first">Of the columns last_at, next_at, inconclusive, why, unanswered; seven behind it stands when what is pending was seen.</param>
    static LookState Looks(SqliteDataReader row, int first) =>
        new(row.TimeOrNull(first), row.Time(first + 1), row.GetInt32(first + 2), row.TextOrNull(first + 3))
        {
            Unanswered = Rows.Parts(row.TextOrNull(first + 4)),
            PendingSince = row.TimeOrNull(first + 7),
        };

    static KeptFinding Finding(SqliteDataReader row) => new(
        row.GetString(0), row.GetString(1), row.GetInt64(2) is >= 0 and <= (long)Question.Watched and var number ? (Question)number : Question.Confidential,
        Rows.VerdictOf(row, 3), row.GetString(4), row.Time(5), row.Time(6), row.TimeOrNull(7));
}
