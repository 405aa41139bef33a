using System.Collections.Immutable;
using System.Net;
using System.Text.Json;
using System.Text.Json.Serialization;
using Hopseal.Dns;
using Hopseal.Reports.Store;
using Microsoft.Data.Sqlite;

namespace Hopseal.Reports.Tlsrpt.Receiving;

/// <summary>One report as rows, and back.</summary>
static class ReportRows
{
    const string Head = """
        SELECT id, received, origin, sender, proof, proof_detail, organization, contact, report_id, begins, ends, warnings FROM tlsrpt_received
        """;

    /// <summary>All of it. The caller has looked whether it is here already.</summary>
    public static long Insert(SqliteConnection connection, byte[] identity, ReportSource source, TlsReport report, ImmutableArray<ReportWarning> warnings)
    {
        var (proof, detail) = ProofWords.Of(source.Proof);
        connection.Run(
            """
            INSERT INTO tlsrpt_received (identity, signer, received, received_day, origin, sender, proof, proof_detail, organization, contact, report_id,
                begins, ends, first_day, domain, successful, failed, details, warnings)
            VALUES ($identity, $signer, $received, $receivedDay, $origin, $sender, $proof, $detail, $organization, $contact, $reportId,
                $begins, $ends, $firstDay, $domain, $successful, $failed, $details, $warnings)
            """,
            ("$identity", identity),
            ("$signer", SignerOf(source)),
            ("$received", source.ReceivedAt.ToUnixTimeMilliseconds()),
            ("$receivedDay", DayOf(source.ReceivedAt)),
            ("$origin", source.Origin.ToString()),
            ("$sender", source.From),
            ("$proof", proof),
            ("$detail", detail),
            ("$organization", report.Organization),
            ("$contact", report.Contact),
            ("$reportId", report.Id),
            ("$begins", report.Period.Start.ToUnixTimeMilliseconds()),
            ("$ends", report.Period.End.ToUnixTimeMilliseconds()),
            ("$firstDay", report.Period.FirstDay.DayNumber),
            ("$domain", MainDomainOf(report)),
            ("$successful", report.Policies.Sum(policy => policy.Successful)),
            ("$failed", report.Policies.Sum(policy => policy.Failed)),
            ("$details", DetailsOf(report)),
            ("$warnings", JsonSerializer.Serialize([.. warnings.SelectMany(warning => (string[])[warning.Where, warning.What])], RowJson.Default.StringArray)));
        var id = connection.Number("SELECT last_insert_rowid()")!.Value;
        for (var place = 0; place < report.Policies.Length; place++)
        {
            InsertPolicy(connection, id, place, report.Policies[place]);
        }

        return id;
    }

    /// <summary>Null: it is not here.</summary>
    public static ReceivedReport? Find(SqliteConnection connection, long id)
    {
        ReceivedReport? report;
        using (var command = connection.Command($"{Head} WHERE id = $id", ("$id", id)))
        using (var reader = command.ExecuteReader())
        {
            report = reader.Read() ? ReadHead(reader) : null;
        }

        return report is null ? null : report with { Report = report.Report with { Policies = Policies(connection, id) } };
    }

    public static void Delete(SqliteConnection connection, long id)
    {
        connection.Run("DELETE FROM tlsrpt_received_failures WHERE report = $id", ("$id", id));
        connection.Run("DELETE FROM tlsrpt_received_policies WHERE report = $id", ("$id", id));
        connection.Run("DELETE FROM tlsrpt_received WHERE id = $id", ("$id", id));
    }

    /// <summary>Empty: nobody stands for it.</summary>
    public static string SignerOf(ReportSource source) => source.Proof.VerifiedBy?.Ascii ?? "";

    /// <summary>The first that it names; empty for none.</summary>
    public static string MainDomainOf(TlsReport report) => report.Policies.Select(policy => policy.Domain).FirstOrDefault(domain => domain is not null) ?? "";

    /// <summary>Rows that it takes beside its own.</summary>
    public static int DetailsOf(TlsReport report) => report.Policies.Length + report.Policies.Sum(policy => policy.Failures.Length);

    public static int DayOf(DateTimeOffset time) => DateOnly.FromDateTime(time.UtcDateTime).DayNumber;

    static void InsertPolicy(SqliteConnection connection, long report, int place, PolicyResult policy)
    {
        connection.Run(
            "INSERT INTO tlsrpt_received_policies VALUES ($report, $place, $kind, $domain, $lines, $hosts, $successful, $failed)",
            ("$report", report),
            ("$place", place),
            ("$kind", policy.Kind.Text),
            ("$domain", policy.Domain),
            ("$lines", JsonSerializer.Serialize([.. policy.PolicyText], RowJson.Default.StringArray)),
            ("$hosts", JsonSerializer.Serialize([.. policy.MxHosts], RowJson.Default.StringArray)),
            ("$successful", policy.Successful),
            ("$failed", policy.Failed));
        if (policy.Failures.IsEmpty)
        {
            return;
        }

        using var insert = connection.Command(
            "INSERT INTO tlsrpt_received_failures VALUES ($report, $policy, $place, $type, $sessions, $sending, $host, $helo, $receiving, $more, $reason)",
            ("$report", report), ("$policy", place), ("$place", 0), ("$type", ""), ("$sessions", 0L), ("$sending", null), ("$host", null),
            ("$helo", null), ("$receiving", null), ("$more", null), ("$reason", null));
        for (var i = 0; i < policy.Failures.Length; i++)
        {
            var failure = policy.Failures[i];
            ReadOnlySpan<object?> values =
            [
                i, failure.Type.Text, failure.Sessions, failure.SendingIp?.ToString(), failure.MxHostname, failure.MxHelo,
                failure.ReceivingIp?.ToString(), failure.MoreInformation, failure.Reason,
            ];
            for (var column = 0; column < values.Length; column++)
            {
                insert.Parameters[column + 2].Value = values[column] ?? DBNull.Value;
            }

            insert.ExecuteNonQuery();
        }
    }

    static ReceivedReport ReadHead(SqliteDataReader reader) => new(
        reader.GetInt64(0),
        new ReportSource(
            Enum.Parse<ReportOrigin>(reader.GetString(2)),
            reader.TextOrNull(3),
            ProofWords.Read(reader.GetString(4), reader.TextOrNull(5)),
            DateTimeOffset.FromUnixTimeMilliseconds(reader.GetInt64(1))),
        new TlsReport
        {
            Organization = reader.TextOrNull(6),
            Contact = reader.TextOrNull(7),
            Id = reader.TextOrNull(8),
            Period = new ReportPeriod(DateTimeOffset.FromUnixTimeMilliseconds(reader.GetInt64(9)), DateTimeOffset.FromUnixTimeMilliseconds(reader.GetInt64(10))),
            Policies = [],
        },
        [.. Texts(reader.GetString(11)).Chunk(2).Select(pair => new ReportWarning(pair[0], pair[1]))]);

    static ImmutableArray<PolicyResult> Policies(SqliteConnection connection, long report)
    {
        var failures = Failures(connection, report);
        using var command = connection.Command(
            "SELECT kind, domain, lines, hosts, successful, failed FROM tlsrpt_received_policies WHERE report = $report ORDER BY place", ("$report", report));
        using var reader = command.ExecuteReader();
        var policies = ImmutableArray.CreateBuilder<PolicyResult>();
        while (reader.Read())
        {
            policies.Add(new PolicyResult
            {
                Kind = ReportNames.KindOf(reader.GetString(0)),
                Domain = reader.TextOrNull(1),
                PolicyText = [.. Texts(reader.GetString(2))],
                MxHosts = [.. Texts(reader.GetString(3))],
                Successful = reader.GetInt64(4),
                Failed = reader.GetInt64(5),
                Failures = [.. failures[policies.Count]],
            });
        }

        return policies.DrainToImmutable();
    }

    static ILookup<int, FailureDetail> Failures(SqliteConnection connection, long report)
    {
        using var command = connection.Command(
            "SELECT policy, type, sessions, sending, host, helo, receiving, more, reason FROM tlsrpt_received_failures WHERE report = $report ORDER BY policy, place",
            ("$report", report));
        using var reader = command.ExecuteReader();
        var failures = new List<(int Policy, FailureDetail Failure)>();
        while (reader.Read())
        {
            failures.Add((reader.GetInt32(0), ReadFailure(reader, 1)));
        }

        return failures.ToLookup(found => found.Policy, found => found.Failure);
    }

    /// <summary>From <c>type, sessions, sending, host, helo, receiving, more, reason</c>.</summary>
    public static FailureDetail ReadFailure(SqliteDataReader reader, int first) => new()
    {
        Type = ReportNames.ResultOf(reader.GetString(first)),
        Sessions = reader.GetInt64(first + 1),
        SendingIp = Address(reader.TextOrNull(first + 2)),
        MxHostname = reader.TextOrNull(first + 3),
        MxHelo = reader.TextOrNull(first + 4),
        ReceivingIp = Address(reader.TextOrNull(first + 5)),
        MoreInformation = reader.TextOrNull(first + 6),
        Reason = reader.TextOrNull(first + 7),
    };

    static IPAddress? Address(string? text) => text is null ? null : IPAddress.Parse(text);

    static string[] Texts(string json) => JsonSerializer.Deserialize(json, RowJson.Default.StringArray)!;
}

/// <summary>A <see cref="ReportProof"/> in two columns.</summary>
static class ProofWords
{
    public static (string Word, string? Detail) Of(ReportProof proof) => proof switch
    {
        ReportProof.Signed signed => ("signed", signed.Signer.Ascii),
        ReportProof.SignedByAnother other => ("signed-by-another", other.Signer.Ascii),
        ReportProof.Unsigned => ("unsigned", null),
        ReportProof.Broken broken => ("broken", broken.Why),
        ReportProof.Unknown unknown => ("unknown", unknown.Why),
        _ => throw new ArgumentException($"unknown proof {proof}", nameof(proof)),
    };

    /// <exception cref="FormatException">Nobody wrote that.</exception>
    public static ReportProof Read(string word, string? detail) => word switch
    {
        "signed" => new ReportProof.Signed(DomainName.Parse(detail!)),
        "signed-by-another" => new ReportProof.SignedByAnother(DomainName.Parse(detail!)),
        "unsigned" => new ReportProof.Unsigned(),
        "broken" => new ReportProof.Broken(detail!),
        "unknown" => new ReportProof.Unknown(detail!),
        _ => throw new FormatException($"{word} is no proof"),
    };
}

[JsonSerializable(typeof(string[]))]
sealed partial class RowJson : JsonSerializerContext;
