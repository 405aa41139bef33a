using System.Collections.Immutable;
using System.IO.Compression;
using Hopseal.Reports.Store;
using Microsoft.Data.Sqlite;

namespace Hopseal.Reports.Tlsrpt.Sending;

/// <summary>Which reports of ours are meant: those that meet everything that is said here.</summary>
public sealed record SentFilter
{
    /// <summary>The policy domain, in A-labels.</summary>
    public string? Domain { get; init; }

    /// <summary>UTC.</summary>
    public DateOnly? Day { get; init; }

    public SentState? State { get; init; }
}

/// <summary>Reads the reports that this gateway made. Lists follow an index, page by page.</summary>
/// <param name="open">Opens a connection that cannot write.</param>
public sealed class SentReports(Func<SqliteConnection> open)
{
    const int MostOctets = 20 * 1024 * 1024;
    const string Columns = "id, report, day, domain, made_at, gives_up_at, successful, failed, state, why";

    public SentReports(RecordsDatabase database)
        : this(database.OpenReader)
    {
    }

    /// <summary>Of a database file that a gateway may be writing to.</summary>
    public static SentReports OfFile(string file) => new(() => RecordsDatabase.OpenToRead(file));

    /// <summary>The latest first, with their targets.</summary>
    /// <param name="before">The id of the last one of the page before; null: the first page.</param>
    public ImmutableArray<SentReport> List(SentFilter filter, long? before, int limit)
    {
        ArgumentNullException.ThrowIfNull(filter);
        using var connection = open();
        var reports = connection.Read(
            $"""
            SELECT {Columns} FROM tlsrpt_sent
            WHERE id < $before AND ($domain IS NULL OR domain = $domain) AND ($day IS NULL OR day = $day) AND ($state IS NULL OR state = $state)
            ORDER BY id DESC LIMIT $limit
            """,
            Report,
            ("$before", before ?? long.MaxValue), ("$domain", filter.Domain), ("$day", filter.Day is { } day ? SentRows.DayOf(day) : null),
            ("$state", (long?)filter.State), ("$limit", limit));
        return [.. reports.Select(report => report with { Targets = TargetsOf(connection, report.Id) })];
    }

    public SentReport? Find(long id)
    {
        using var connection = open();
        var found = connection.Read($"SELECT {Columns} FROM tlsrpt_sent WHERE id = $id", Report, ("$id", id));
        return found is [var report] ? report with { Targets = TargetsOf(connection, id) } : null;
    }

    /// <summary>The JSON text of a report; null when there is none with this id.</summary>
    /// <exception cref="InvalidDataException">What is stored is damaged.</exception>
    public byte[]? Json(long id)
    {
        using var connection = open();
        if (connection.Read("SELECT content FROM tlsrpt_sent WHERE id = $id", row => row.GetFieldValue<byte[]>(0), ("$id", id)) is not [var packed])
        {
            return null;
        }

        using var gzip = new GZipStream(new MemoryStream(packed, writable: false), CompressionMode.Decompress);
        var buffer = new byte[64 * 1024];
        using var whole = new MemoryStream();
        while (gzip.Read(buffer) is > 0 and var read)
        {
            whole.Write(buffer, 0, read);
            if (whole.Length > MostOctets)
            {
                throw new InvalidDataException($"it is larger than {MostOctets} octets");
            }
        }

        return whole.ToArray();
    }

    /// <summary>What was counted and not reported yet, the earliest day first.</summary>
    /// <param name="before">Only of earlier days.</param>
    public ImmutableArray<UnreportedSum> Unreported(DateOnly before)
    {
        using var connection = open();
        return connection.Read(
            "SELECT day, domain, sum(successful), sum(failed) FROM tlsrpt_tally WHERE day < $before GROUP BY day, domain ORDER BY day, domain",
            row => new UnreportedSum(SentRows.DayOf(row.GetInt64(0)), row.GetString(1), row.GetInt64(2), row.GetInt64(3)),
            ("$before", SentRows.DayOf(before)));
    }

    internal static SentReport Report(SqliteDataReader row) => new(
        row.GetInt64(0), row.GetString(1), SentRows.DayOf(row.GetInt64(2)), row.GetString(3), SentRows.Time(row, 4), SentRows.Time(row, 5),
        row.GetInt64(6), row.GetInt64(7), (SentState)row.GetInt32(8), row.TextOrNull(9));

    static ImmutableArray<SentTarget> TargetsOf(SqliteConnection connection, long report) => connection.Read(
        "SELECT id, uri, state, tries, due_at, settled_at, message, why FROM tlsrpt_targets WHERE report = $report ORDER BY id",
        row => new SentTarget(
            row.GetInt64(0), row.GetString(1), (TargetState)row.GetInt32(2), row.GetInt32(3), SentRows.Time(row, 4), row.IsDBNull(5) ? null : SentRows.Time(row, 5),
            row.TextOrNull(6), row.TextOrNull(7)),
        ("$report", report));
}
