using System.Collections.Immutable;
using System.Globalization;
using Hopseal.Dns;
using Hopseal.Reports.Store;
using Microsoft.Data.Sqlite;

namespace Hopseal.Reports.Tlsrpt.Receiving;

/// <summary>Keeps what came in: each report whole or not at all, once, and not more than anybody has reason to send.</summary>
/// <param name="database">With <see cref="ReceivedTables"/>.</param>
/// <param name="isOurs">Whether reports on a domain are for us.</param>
public sealed class ReportStore(RecordsDatabase database, Func<DomainName, PolicyKind?, bool> isOurs, IntakeLimits limits)
{
    const int DeletedAtOnce = 200;

    /// <summary>Completes when all of it is on stable storage, in one transaction.</summary>
    /// <param name="items">What was found in <paramref name="octets"/>.</param>
    /// <param name="octets">As it came; empty where it is too large to be held.</param>
    /// <param name="size">Of all of it.</param>
    /// <returns>One for each item, in its order.</returns>
    /// <exception cref="SqliteException">Nothing was kept.</exception>
    public async Task<ImmutableArray<TakenReport>> TakeAsync(
        ReportSource source, ImmutableArray<ReportItem> items, ReadOnlyMemory<byte> octets, long size, CancellationToken cancel)
    {
        ImmutableArray<TakenReport> taken = [];
        await database.WriteAsync(connection => taken = Take(connection, source, items, octets.Span, size), cancel, flushed: true);
        return taken;
    }

    /// <summary>Deletes what is older than <see cref="IntakeLimits.Days"/>, in small steps.</summary>
    /// <exception cref="SqliteException">It cannot be written.</exception>
    public async Task DeleteOldAsync(DateTimeOffset now, CancellationToken cancel)
    {
        var oldest = ReportRows.DayOf(now) - limits.Days;
        for (var more = true; more;)
        {
            await database.WriteAsync(connection => more = DeleteBefore(connection, oldest), cancel);
        }
    }

    ImmutableArray<TakenReport> Take(SqliteConnection connection, ReportSource source, ImmutableArray<ReportItem> items, ReadOnlySpan<byte> octets, long size)
    {
        var taken = ImmutableArray.CreateBuilder<TakenReport>(items.Length);
        foreach (var item in items)
        {
            taken.Add(OwnPart.Of(item.Result, isOurs, source.ReceivedAt, limits) switch
            {
                ReadReport.Accepted accepted => Take(connection, source, accepted),
                ReadReport.Rejected rejected => new TakenReport.PutAside(item.Where.Length > 0 ? $"{item.Where}: {rejected.Why}" : rejected.Why),
                var unknown => throw new ArgumentException($"unknown result {unknown}", nameof(items)),
            });
        }

        if (taken.OfType<TakenReport.PutAside>().Take(10).Select(aside => aside.Why).ToArray() is { Length: > 0 } why)
        {
            AsideRows.Add(connection, source, string.Join("; ", why), octets, size, limits);
        }

        return taken.DrainToImmutable();
    }

    TakenReport Take(SqliteConnection connection, ReportSource source, ReadReport.Accepted accepted)
    {
        var identity = ReportIdentity.Of(accepted.Report);
        var signer = ReportRows.SignerOf(source);

        // What somebody signed stands for what nobody did, never the other way round: else whoever guesses an id keeps the report away.
        if (connection.Number(
                "SELECT id FROM tlsrpt_received WHERE identity = $identity AND (signer = $signer OR $signer = '') LIMIT 1",
                ("$identity", identity), ("$signer", signer)) is { } known)
        {
            return new TakenReport.KnownAlready(known);
        }

        if (TooMany(connection, source, accepted.Report) is { } why)
        {
            return new TakenReport.Refused(why);
        }

        if (connection.Number("SELECT id FROM tlsrpt_received WHERE identity = $identity AND signer = ''", ("$identity", identity)) is { } unsigned)
        {
            var earlier = ReportRows.Find(connection, unsigned)!;
            ReportSums.TakeBack(connection, earlier.Source, earlier.Report);
            ReportRows.Delete(connection, unsigned);
        }

        var id = ReportRows.Insert(connection, identity, source, accepted.Report, accepted.Warnings);
        ReportSums.Add(connection, source, accepted.Report);
        return new TakenReport.Stored(id);
    }

    /// <summary>An operator who reads files may read many.</summary>
    string? TooMany(SqliteConnection connection, ReportSource source, TlsReport report)
    {
        if (source.Origin is ReportOrigin.File)
        {
            return null;
        }

        var room = new Room(connection, ReportRows.DayOf(source.ReceivedAt), ReportRows.SignerOf(source), ReportRows.MainDomainOf(report));
        var details = ReportRows.DetailsOf(report);
        if (room.Signer.Length == 0)
        {
            return room.OfSigner >= limits.Unverified ? Say(limits.Unverified, "reports", "that nobody stands for")
                : room.DetailsOfSigner + details > limits.DetailsOfSigner ? Say(limits.DetailsOfSigner, "details", "in reports that nobody stands for")
                : null;
        }

        var most = room.IsKnown ? limits.Reports : limits.Reports / 2;
        return room.OfSigner >= limits.ReportsOfSigner ? Say(limits.ReportsOfSigner, "reports", $"from {room.Signer}")
            : room.DetailsOfSigner + details > limits.DetailsOfSigner ? Say(limits.DetailsOfSigner, "details", $"in reports from {room.Signer}")
            : room.OfAll >= most ? Say(most, "reports", room.IsKnown ? "from all" : "from all, and its signer is new")
            : room.DetailsOfAll + details > limits.Details ? Say(limits.Details, "details", "in reports from all")
            : null;

        string Say(int number, string what, string whose) => string.Create(CultureInfo.InvariantCulture, $"there may be {number} {what} on {Name(room.Domain)} a day {whose}");

        static string Name(string domain) => domain.Length > 0 ? domain : "no domain";
    }

    /// <returns>Whether there may be more.</returns>
    static bool DeleteBefore(SqliteConnection connection, int oldest)
    {
        var old = new List<long>();
        using (var command = connection.Command(
            "SELECT id FROM tlsrpt_received WHERE first_day < $oldest LIMIT $most", ("$oldest", oldest), ("$most", DeletedAtOnce)))
        using (var reader = command.ExecuteReader())
        {
            while (reader.Read())
            {
                old.Add(reader.GetInt64(0));
            }
        }

        old.ForEach(id => ReportRows.Delete(connection, id));
        AsideRows.DeleteBefore(connection, oldest);
        connection.Run("DELETE FROM tlsrpt_received_sums WHERE day < $oldest", ("$oldest", oldest));
        return old.Count == DeletedAtOnce;
    }

    /// <summary>What was taken this day on this domain. Signers without a report on an earlier day have the half of the room only: new ones cost nothing.</summary>
    /// <param name="Signer">Empty: nobody.</param>
    sealed record Room(SqliteConnection Connection, int Day, string Signer, string Domain)
    {
        public long OfSigner => Count("SELECT count(*) FROM tlsrpt_received WHERE received_day = $day AND domain = $domain AND signer = $signer");

        public long DetailsOfSigner => Count("SELECT sum(details) FROM tlsrpt_received WHERE received_day = $day AND domain = $domain AND signer = $signer");

        public long OfAll => Count("SELECT count(*) FROM tlsrpt_received WHERE received_day = $day AND domain = $domain AND signer > ''");

        public long DetailsOfAll => Count("SELECT sum(details) FROM tlsrpt_received WHERE received_day = $day AND domain = $domain AND signer > ''");

        public bool IsKnown => Count("SELECT 1 FROM tlsrpt_received WHERE signer = $signer AND received_day < $day LIMIT 1") > 0;

        long Count(string sql) => Connection.Number(sql, ("$day", Day), ("$signer", Signer), ("$domain", Domain)) ?? 0;
    }
}
