using System.Collections.Immutable;
using Hopseal.Reports.Store;
using Hopseal.Smtp.Tls;
using Microsoft.Data.Sqlite;

namespace Hopseal.Reports.Tlsrpt.Receiving;

/// <summary>Reads what came in, beside whoever writes. Each call has a connection of its own, and touches as many rows as it returns, or one day after
/// the other.</summary>
public sealed class ReceivedReports
{
    /// <summary>What one page of anything may have at most.</summary>
    public const int MostRows = 1000;

    readonly Func<SqliteConnection> _open;

    ReceivedReports(Func<SqliteConnection> open) => _open = open;

    public static ReceivedReports Of(RecordsDatabase database)
    {
        ArgumentNullException.ThrowIfNull(database);
        return new ReceivedReports(database.OpenReader);
    }

    /// <summary>Of a gateway that runs or does not run.</summary>
    /// <param name="file">Its <see cref="RecordsDatabase.FileName"/>.</param>
    public static ReceivedReports OfFile(string file) => new(() => Sqlite.OpenToRead(file));

    /// <summary>Sums, in the order of day, domain and reporter.</summary>
    /// <param name="domain">Null: all of ours.</param>
    /// <param name="unverified">Also what nobody stands for (<see cref="ReportProof"/>).</param>
    /// <exception cref="SqliteException">It cannot be read.</exception>
    public ImmutableArray<ReportedDay> Days(DateOnly from, DateOnly to, string? domain = null, bool unverified = false, int limit = MostRows)
    {
        using var connection = _open();
        using var command = connection.Command(
            """
            SELECT day, domain, organization, signer, type, reports, successful, failed FROM tlsrpt_received_sums
            WHERE day BETWEEN $from AND $to AND ($domain IS NULL OR domain = $domain) AND (signer > '' OR $unverified)
            ORDER BY day, domain, organization, signer, type
            """,
            ("$from", from.DayNumber), ("$to", to.DayNumber), ("$domain", domain), ("$unverified", unverified));
        using var reader = command.ExecuteReader();
        var days = ImmutableArray.CreateBuilder<ReportedDay>();
        while (reader.Read())
        {
            if (reader.GetString(4).Length > 0)
            {
                days[^1] = days[^1] with { Failures = days[^1].Failures.Add((reader.GetString(4), reader.GetInt64(7))) };
                continue;
            }

            // The row of the summaries, whose type is empty, comes first.
            if (days.Count == limit)
            {
                break;
            }

            days.Add(new ReportedDay(
                DateOnly.FromDayNumber(reader.GetInt32(0)), reader.GetString(1), reader.GetString(2), reader.GetString(3) is { Length: > 0 } signer ? signer : null,
                reader.GetInt64(5), reader.GetInt64(6), reader.GetInt64(7), []));
        }

        return days.DrainToImmutable();
    }

    /// <summary>The latest first.</summary>
    /// <param name="before">The id of the last one of the page before; null for the first page.</param>
    /// <exception cref="SqliteException">It cannot be read.</exception>
    public ImmutableArray<ReceivedHead> List(ReceivedFilter filter, long? before = null, int limit = 100)
    {
        ArgumentNullException.ThrowIfNull(filter);
        using var connection = _open();
        using var command = connection.Command(
            """
            SELECT id, received, origin, sender, proof, proof_detail, organization, contact, report_id, begins, ends, domain, successful, failed, warnings <> '[]'
            FROM tlsrpt_received
            WHERE id < $before AND first_day BETWEEN $from AND $to AND ($domain IS NULL OR domain = $domain)
                AND ($verified IS NULL OR (signer > '') = $verified) AND (failed > 0 OR NOT $failed)
            ORDER BY id DESC LIMIT $limit
            """,
            ("$before", before ?? long.MaxValue),
            ("$from", (filter.From ?? DateOnly.MinValue).DayNumber),
            ("$to", (filter.To ?? DateOnly.MaxValue).DayNumber),
            ("$domain", filter.Domain),
            ("$verified", filter.Verified),
            ("$failed", filter.WithFailures),
            ("$limit", Math.Clamp(limit, 0, MostRows)));
        using var reader = command.ExecuteReader();
        var heads = ImmutableArray.CreateBuilder<ReceivedHead>();
        while (reader.Read())
        {
            heads.Add(new ReceivedHead(
                reader.GetInt64(0),
                Source(reader, 1),
                reader.TextOrNull(6),
                reader.TextOrNull(7),
                reader.TextOrNull(8),
                new ReportPeriod(DateTimeOffset.FromUnixTimeMilliseconds(reader.GetInt64(9)), DateTimeOffset.FromUnixTimeMilliseconds(reader.GetInt64(10))),
                reader.GetString(11) is { Length: > 0 } domain ? domain : null,
                reader.GetInt64(12),
                reader.GetInt64(13),
                reader.GetBoolean(14)));
        }

        return heads.DrainToImmutable();
    }

    /// <summary>Null: there is none.</summary>
    /// <exception cref="SqliteException">It cannot be read.</exception>
    public ReceivedReport? Find(long id)
    {
        using var connection = _open();
        return ReportRows.Find(connection, id);
    }

    /// <summary>What was put aside, the latest first.</summary>
    /// <param name="before">As in <see cref="List"/>.</param>
    /// <exception cref="SqliteException">It cannot be read.</exception>
    public ImmutableArray<AsideHead> Aside(long? before = null, int limit = 100)
    {
        using var connection = _open();
        using var command = connection.Command(
            """
            SELECT id, received, origin, sender, proof, proof_detail, reason, octets, content IS NOT NULL FROM tlsrpt_aside
            WHERE id < $before ORDER BY id DESC LIMIT $limit
            """,
            ("$before", before ?? long.MaxValue), ("$limit", Math.Clamp(limit, 0, MostRows)));
        using var reader = command.ExecuteReader();
        var heads = ImmutableArray.CreateBuilder<AsideHead>();
        while (reader.Read())
        {
            heads.Add(new AsideHead(reader.GetInt64(0), Source(reader, 1), reader.GetString(6), reader.GetInt64(7), reader.GetBoolean(8)));
        }

        return heads.DrainToImmutable();
    }

    /// <summary>As it came; null where there is none, or it was too large.</summary>
    /// <exception cref="SqliteException">It cannot be read.</exception>
    public byte[]? AsideContent(long id)
    {
        using var connection = _open();
        using var command = connection.Command("SELECT content FROM tlsrpt_aside WHERE id = $id", ("$id", id));
        return command.ExecuteScalar() as byte[];
    }

    /// <summary>From <c>received, origin, sender, proof, proof_detail</c>.</summary>
    static ReportSource Source(SqliteDataReader reader, int first) => new(
        Enum.Parse<ReportOrigin>(reader.GetString(first + 1)),
        reader.TextOrNull(first + 2),
        ProofWords.Read(reader.GetString(first + 3), reader.TextOrNull(first + 4)),
        DateTimeOffset.FromUnixTimeMilliseconds(reader.GetInt64(first)));
}

/// <summary>Which reports to list. Null: no matter.</summary>
/// <param name="Domain">A policy domain, in A-labels.</param>
/// <param name="From">The first day they are about.</param>
/// <param name="Verified">Whether somebody stands for it (<see cref="ReportProof"/>).</param>
/// <param name="WithFailures">Only with failed sessions.</param>
public sealed record ReceivedFilter(string? Domain = null, DateOnly? From = null, DateOnly? To = null, bool? Verified = null, bool WithFailures = false);

/// <summary>One report in a list.</summary>
/// <param name="Id">Of this machine; <paramref name="ReportId"/> is the author's.</param>
/// <param name="Domain">The first that it names; null for none.</param>
/// <param name="HasWarnings">It differs from RFC 8460.</param>
public sealed record ReceivedHead(
    long Id,
    ReportSource Source,
    string? Organization,
    string? Contact,
    string? ReportId,
    ReportPeriod Period,
    string? Domain,
    long Successful,
    long Failed,
    bool HasWarnings);

/// <summary>What one reporter says of one domain on one day.</summary>
/// <param name="Day">The first day that the reports are about.</param>
/// <param name="Domain">Empty where a report does not say.</param>
/// <param name="Organization">As they call themselves; empty where they do not.</param>
/// <param name="Signer">Who stands for it; null: nobody.</param>
/// <param name="Failures">Sessions by result type (<see cref="TlsResultType"/>, by its name of RFC 8460 §4.3), or <c>other</c>.</param>
public sealed record ReportedDay(
    DateOnly Day,
    string Domain,
    string Organization,
    string? Signer,
    long Reports,
    long Successful,
    long Failed,
    ImmutableArray<(string Type, long Sessions)> Failures);

/// <summary>Something that was put aside.</summary>
/// <param name="Octets">Of all of it.</param>
/// <param name="HasContent">It is still here as it came.</param>
public sealed record AsideHead(long Id, ReportSource Source, string Why, long Octets, bool HasContent);
