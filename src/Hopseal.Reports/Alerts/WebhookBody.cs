using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Hopseal.Reports.Alerts;

/// <summary>A notice as a webhook gets it: JSON, and a signature over the time and the body, so that the receiver can tell ours from anybody's.
/// <c>docs/alerts.md</c> shows how to check it.</summary>
public sealed record WebhookBody(
    int Version, string Event, long Id, string Rule, string Subject, string Severity, string Text, string Advice, DateTimeOffset At, DateTimeOffset OpenedAt,
    DateTimeOffset? ResolvedAt, string Gateway)
{
    public const string SignatureHeader = "Hopseal-Signature";

    public static byte[] Write(AlertNotice notice, string gateway)
    {
        ArgumentNullException.ThrowIfNull(notice);
        var alert = notice.Alert;
        return JsonSerializer.SerializeToUtf8Bytes(
            new WebhookBody(
                1, Word(notice.Kind), alert.Id, alert.Rule, alert.Subject, Word(alert.Severity), alert.Text, alert.Advice, notice.At, alert.OpenedAt, alert.ResolvedAt, gateway),
            AlertJson.Default.WebhookBody);
    }

    /// <summary>For example <c>t=1764590400,v1=0ab1…</c>: HMAC-SHA256 over the time, a dot and the body.</summary>
    public static string Sign(ReadOnlySpan<byte> body, ReadOnlySpan<byte> secret, DateTimeOffset at)
    {
        var time = at.ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture);
        using var hmac = IncrementalHash.CreateHMAC(HashAlgorithmName.SHA256, secret);
        hmac.AppendData(Encoding.ASCII.GetBytes($"{time}."));
        hmac.AppendData(body);
        return $"t={time},v1={Convert.ToHexStringLower(hmac.GetHashAndReset())}";
    }

    public static string Word(NoticeKind kind) => kind switch
    {
        NoticeKind.Opened => "opened",
        NoticeKind.Raised => "raised",
        NoticeKind.Reminder => "reminder",
        NoticeKind.Resolved => "resolved",
        NoticeKind.Test => "test",
    };

    public static string Word(AlertSeverity severity) => severity switch
    {
        AlertSeverity.Info => "info",
        AlertSeverity.Warning => "warning",
        AlertSeverity.Critical => "critical",
    };
}

[JsonSerializable(typeof(WebhookBody))]
[JsonSerializable(typeof(Alert))]
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, UseStringEnumConverter = true, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
public sealed partial class AlertJson : JsonSerializerContext;
