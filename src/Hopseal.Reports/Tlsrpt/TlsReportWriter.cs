using System.Collections.Immutable;
using System.Globalization;
using System.IO.Compression;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Hopseal.Reports.Tlsrpt;

/// <summary>Writes reports as RFC 8460 §4.4 says, and nothing that it does not say.</summary>
public static class TlsReportWriter
{
    // What leaves this is no part of a web page: + and umlauts may stand as they are.
    static readonly ReportJson s_json = new(new JsonSerializerOptions
    {
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    });

    /// <summary>UTF-8.</summary>
    /// <exception cref="ArgumentException">It lacks what every report must have, or holds a name that is not the standard's.</exception>
    public static byte[] ToJson(TlsReport report)
    {
        ArgumentNullException.ThrowIfNull(report);
        return JsonSerializer.SerializeToUtf8Bytes(Of(report), s_json.WrittenReport);
    }

    /// <summary>The same, compressed (RFC 8460 §5.2).</summary>
    /// <exception cref="ArgumentException">As <see cref="ToJson"/>.</exception>
    public static byte[] ToGzip(TlsReport report)
    {
        using var octets = new MemoryStream();
        using (var gzip = new GZipStream(octets, CompressionLevel.SmallestSize, leaveOpen: true))
        {
            gzip.Write(ToJson(report));
        }

        return octets.ToArray();
    }

    static WrittenReport Of(TlsReport report) => new(
        Needed(report.Organization, nameof(report.Organization)),
        new WrittenPeriod(Time(report.Period.Start), Time(report.Period.End)),
        Needed(report.Contact, nameof(report.Contact)),
        Needed(report.Id, nameof(report.Id)),
        [.. report.Policies.Select(Of)]);

    static WrittenResult Of(PolicyResult result) => new(
        new WrittenPolicy(
            Known(result.Kind),
            result.PolicyText is { IsDefaultOrEmpty: false } text ? text : null,
            Needed(result.Domain, nameof(result.Domain)),
            result.MxHosts is { IsDefaultOrEmpty: false } hosts ? hosts : null),
        new WrittenSummary(result.Successful, result.Failed),
        [.. result.Failures.Select(Of)]);

    static WrittenFailure Of(FailureDetail failure) => new(
        Known(failure.Type),
        failure.SendingIp?.ToString(),
        failure.MxHostname,
        failure.MxHelo,
        failure.ReceivingIp?.ToString(),
        failure.Sessions,
        failure.MoreInformation,
        failure.Reason);

    static string Needed(string? text, string what) =>
        string.IsNullOrEmpty(text) ? throw new ArgumentException($"a report needs {what}", what) : text;

    static string Known<T>(ReportedName<T> name)
        where T : struct, Enum =>
        name.Known is not null ? name.Text : throw new ArgumentException($"{name.Text} is not of RFC 8460");

    /// <summary>RFC 3339 §5.6, to the second.</summary>
    static string Time(DateTimeOffset time) => time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);
}

// The members in the order of RFC 8460 §4.4.
sealed record WrittenReport(
    [property: JsonPropertyName("organization-name")] string Organization,
    [property: JsonPropertyName("date-range")] WrittenPeriod Period,
    [property: JsonPropertyName("contact-info")] string Contact,
    [property: JsonPropertyName("report-id")] string Id,
    [property: JsonPropertyName("policies")] ImmutableArray<WrittenResult> Policies);

sealed record WrittenPeriod(
    [property: JsonPropertyName("start-datetime")] string Start,
    [property: JsonPropertyName("end-datetime")] string End);

sealed record WrittenResult(
    [property: JsonPropertyName("policy")] WrittenPolicy Policy,
    [property: JsonPropertyName("summary")] WrittenSummary Summary,
    [property: JsonPropertyName("failure-details")] ImmutableArray<WrittenFailure> Failures);

sealed record WrittenPolicy(
    [property: JsonPropertyName("policy-type")] string Kind,
    [property: JsonPropertyName("policy-string")] ImmutableArray<string>? Text,
    [property: JsonPropertyName("policy-domain")] string Domain,
    [property: JsonPropertyName("mx-host")] ImmutableArray<string>? MxHosts);

sealed record WrittenSummary(
    [property: JsonPropertyName("total-successful-session-count")] long Successful,
    [property: JsonPropertyName("total-failure-session-count")] long Failed);

sealed record WrittenFailure(
    [property: JsonPropertyName("result-type")] string Type,
    [property: JsonPropertyName("sending-mta-ip")] string? SendingIp,
    [property: JsonPropertyName("receiving-mx-hostname")] string? MxHostname,
    [property: JsonPropertyName("receiving-mx-helo")] string? MxHelo,
    [property: JsonPropertyName("receiving-ip")] string? ReceivingIp,
    [property: JsonPropertyName("failed-session-count")] long Sessions,
    [property: JsonPropertyName("additional-information")] string? MoreInformation,
    [property: JsonPropertyName("failure-reason-code")] string? Reason);

[JsonSerializable(typeof(WrittenReport))]
sealed partial class ReportJson : JsonSerializerContext;
