using System.Collections.Immutable;
using System.Net;
using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Serialization;
using Hopseal.Reports.Store;
using Hopseal.Reports.Tlsrpt.Tally;
using Microsoft.Data.Sqlite;

namespace Hopseal.Reports.Tlsrpt.Sending;

/// <summary>What was counted, as rows: sums grow in place. The same bounds hold as in memory (<see cref="TallyLimits"/>).</summary>
/// <remarks>For the writer of the database alone.</remarks>
sealed class TallyRows(TallyLimits limits)
{
    /// <summary>Rows of each day that was written to, so that the bound costs no count each time.</summary>
    readonly Dictionary<long, long> _rows = [];

    /// <returns>Sessions for which there was no room.</returns>
    public long Add(SqliteConnection connection, DateOnly day, IEnumerable<DomainTally> tallies)
    {
        try
        {
            return tallies.Sum(tally => tally.Results.Sum(result => Add(connection, SentRows.DayOf(day), tally.Domain.Ascii, result)));
        }
        catch
        {
            // What was rolled back is not there.
            _rows.Clear();
            throw;
        }
    }

    /// <summary>What is to be reported to a domain about a day. Rows that cannot be read are left out.</summary>
    public static ImmutableArray<PolicyResult> Read(SqliteConnection connection, DateOnly day, string domain)
    {
        var policies = connection.Read(
            "SELECT id, policy, successful, failed FROM tlsrpt_tally WHERE day = $day AND domain = $domain ORDER BY id",
            row => (Id: row.GetInt64(0), Result: Policy(row.GetString(1), domain, row.GetInt64(2), row.GetInt64(3))),
            ("$day", SentRows.DayOf(day)), ("$domain", domain));
        return
        [
            .. policies.Where(policy => policy.Result is not null).Select(policy => policy.Result! with
            {
                Failures =
                [
                    .. connection.Read(
                        "SELECT failure, sessions FROM tlsrpt_tally_failures WHERE policy = $policy ORDER BY sessions DESC, key",
                        row => Failure(row.GetString(0), row.GetInt64(1)),
                        ("$policy", policy.Id)).OfType<FailureDetail>(),
                ],
            }),
        ];
    }

    public static void Delete(SqliteConnection connection, DateOnly day, string domain)
    {
        connection.Run(
            "DELETE FROM tlsrpt_tally_failures WHERE policy IN (SELECT id FROM tlsrpt_tally WHERE day = $day AND domain = $domain)",
            ("$day", SentRows.DayOf(day)), ("$domain", domain));
        connection.Run("DELETE FROM tlsrpt_tally WHERE day = $day AND domain = $domain", ("$day", SentRows.DayOf(day)), ("$domain", domain));
    }

    long Add(SqliteConnection connection, long day, string domain, PolicyResult result)
    {
        var policy = JsonSerializer.SerializeToUtf8Bytes(new TalliedPolicy(result.Kind.Text, result.PolicyText, result.MxHosts), TallyJson.Default.TalliedPolicy);
        var key = SHA256.HashData(policy);
        if (IdOf(connection, day, domain, key) is not { } id)
        {
            if (!HasRoom(connection, day, domain))
            {
                return result.Successful + result.Failed;
            }

            connection.Run(
                "INSERT INTO tlsrpt_tally (day, domain, key, policy, successful, failed) VALUES ($day, $domain, $key, $policy, 0, 0)",
                ("$day", day), ("$domain", domain), ("$key", key), ("$policy", System.Text.Encoding.UTF8.GetString(policy)));
            _rows[day]++;
            id = IdOf(connection, day, domain, key)!.Value;
        }

        connection.Run(
            "UPDATE tlsrpt_tally SET successful = successful + $successful, failed = failed + $failed WHERE id = $id",
            ("$id", id), ("$successful", result.Successful), ("$failed", result.Failed));
        foreach (var failure in result.Failures)
        {
            Add(connection, id, failure);
        }

        return 0;
    }

    void Add(SqliteConnection connection, long policy, FailureDetail failure)
    {
        var text = JsonSerializer.SerializeToUtf8Bytes(TalliedFailure.Of(failure), TallyJson.Default.TalliedFailure);
        var key = SHA256.HashData(text);
        var added = connection.Run(
            "UPDATE tlsrpt_tally_failures SET sessions = sessions + $sessions WHERE policy = $policy AND key = $key",
            ("$policy", policy), ("$key", key), ("$sessions", failure.Sessions));
        if (added == 0)
        {
            connection.Run(
                """
                INSERT INTO tlsrpt_tally_failures (policy, key, failure, sessions)
                SELECT $policy, $key, $failure, $sessions WHERE (SELECT count(*) FROM tlsrpt_tally_failures WHERE policy = $policy) < $most
                """,
                ("$policy", policy), ("$key", key), ("$failure", System.Text.Encoding.UTF8.GetString(text)), ("$sessions", failure.Sessions), ("$most", limits.Failures));
        }
    }

    bool HasRoom(SqliteConnection connection, long day, string domain)
    {
        if (!_rows.TryGetValue(day, out var rows))
        {
            // Days that are over are not written to any more, but for the few sessions that end after midnight.
            _rows.Clear();
            _rows[day] = rows = connection.Read("SELECT count(*) FROM tlsrpt_tally WHERE day = $day", row => row.GetInt64(0), ("$day", day))[0];
        }

        return rows < (long)limits.Domains * 2
            && connection.Read(
                "SELECT count(*) FROM tlsrpt_tally WHERE day = $day AND domain = $domain", row => row.GetInt64(0), ("$day", day), ("$domain", domain))[0] < limits.Policies;
    }

    static long? IdOf(SqliteConnection connection, long day, string domain, byte[] key) => connection.Read(
        "SELECT id FROM tlsrpt_tally WHERE day = $day AND domain = $domain AND key = $key",
        row => (long?)row.GetInt64(0),
        ("$day", day), ("$domain", domain), ("$key", key)) is [var id] ? id : null;

    static PolicyResult? Policy(string json, string domain, long successful, long failed) =>
        Parse(json, TallyJson.Default.TalliedPolicy) is { } policy && ReportNames.KindOf(policy.Kind ?? "") is { Known: not null } kind
            ? new PolicyResult
            {
                Kind = kind,
                Domain = domain,
                PolicyText = policy.Text.IsDefault ? [] : policy.Text,
                MxHosts = policy.MxHosts.IsDefault ? [] : policy.MxHosts,
                Successful = Math.Max(successful, 0),
                Failed = Math.Max(failed, 0),
            }
            : null;

    static FailureDetail? Failure(string json, long sessions) =>
        Parse(json, TallyJson.Default.TalliedFailure) is { } failure && ReportNames.ResultOf(failure.Type ?? "") is { Known: not null } type
            ? new FailureDetail
            {
                Type = type,
                Sessions = Math.Max(sessions, 0),
                SendingIp = AddressOf(failure.SendingIp),
                MxHostname = failure.MxHostname,
                ReceivingIp = AddressOf(failure.ReceivingIp),
                Reason = failure.Reason,
            }
            : null;

    static IPAddress? AddressOf(string? text) => IPAddress.TryParse(text, out var address) ? address : null;

    /// <summary>Null for what another program, or a broken disk, wrote there.</summary>
    static T? Parse<T>(string json, System.Text.Json.Serialization.Metadata.JsonTypeInfo<T> type)
        where T : class
    {
        try
        {
            return JsonSerializer.Deserialize(json, type);
        }
        catch (JsonException)
        {
            return null;
        }
    }
}

sealed record TalliedPolicy(string Kind, ImmutableArray<string> Text, ImmutableArray<string> MxHosts);

sealed record TalliedFailure(string Type, string? SendingIp, string? MxHostname, string? ReceivingIp, string? Reason)
{
    public static TalliedFailure Of(FailureDetail failure) => new(
        failure.Type.Text, failure.SendingIp?.ToString(), failure.MxHostname, failure.ReceivingIp?.ToString(), failure.Reason);
}

[JsonSourceGenerationOptions(DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(TalliedPolicy))]
[JsonSerializable(typeof(TalliedFailure))]
sealed partial class TallyJson : JsonSerializerContext;
