using System.Collections.Immutable;
using System.Net;
using OpenTelemetry.Exporter;

namespace Hopseal.Configuration;

/// <summary>Section Metrics: where the gateway's numbers are shown or sent. Both are off by default: a port that nobody asked for is one that
/// another program wants.</summary>
/// <param name="Endpoint">Where Prometheus may ask; null: nowhere.</param>
/// <param name="Otlp">Of an OpenTelemetry collector; null: none.</param>
/// <param name="Interval">Between two exports to the collector.</param>
sealed record MetricsSettings(IPEndPoint? Endpoint, Uri? Otlp, OtlpExportProtocol Protocol, TimeSpan Interval)
{
    const int UsualSeconds = 60;

    public static MetricsSettings None { get; } = new(null, null, OtlpExportProtocol.Grpc, TimeSpan.FromSeconds(UsualSeconds));

    public bool Wanted => Endpoint is not null || Otlp is not null;

    /// <param name="taken">Where something else listens already, and what.</param>
    public static MetricsSettings Read(Section section, ImmutableArray<(IPEndPoint Endpoint, string What)> taken)
    {
        var endpointSetting = section.Find("Endpoint");
        var endpoint = endpointSetting?.Endpoint();
        var publicSetting = section.Find("Public");
        var isPublic = publicSetting?.Flag() ?? false;
        var otlpSetting = section.Find("Otlp");
        var otlp = otlpSetting is null ? null : ReadCollector(otlpSetting);
        var protocolSetting = section.Find("OtlpProtocol");
        var overHttp = protocolSetting?.Word("Grpc", "Http") is "Http";
        var interval = section.Find("OtlpSeconds")?.Whole(1, 3600) ?? UsualSeconds;
        section.Close();

        if (endpoint is not null)
        {
            CheckEndpoint(endpointSetting!, endpoint, isPublic, taken);
        }
        else if (isPublic)
        {
            publicSetting?.Warn("says nothing without Endpoint");
        }

        if (otlp is not null && overHttp && otlp.AbsolutePath is "/")
        {
            // As the collector's own documentation has it for this protocol.
            otlp = new Uri(otlp, "/v1/metrics");
        }

        return new MetricsSettings(endpoint, otlp, overHttp ? OtlpExportProtocol.HttpProtobuf : OtlpExportProtocol.Grpc, TimeSpan.FromSeconds(interval));
    }

    static void CheckEndpoint(Setting setting, IPEndPoint endpoint, bool isPublic, ImmutableArray<(IPEndPoint Endpoint, string What)> taken)
    {
        if (taken.FirstOrDefault(other => other.Endpoint.Equals(endpoint)) is { What: { } what })
        {
            setting.Error($"{what} listens on {endpoint} already");
        }

        if (IPAddress.IsLoopback(endpoint.Address))
        {
            return;
        }

        if (isPublic)
        {
            setting.Warn($"whoever reaches {endpoint} reads the metrics, without a password and unencrypted");
        }
        else
        {
            setting.Error($"{endpoint.Address} is not loopback: say \"Public\": true if everybody who reaches it may read the metrics, unencrypted");
        }
    }

    static Uri? ReadCollector(Setting setting)
    {
        if (setting.Text() is not { } text)
        {
            return null;
        }

        if (!Uri.TryCreate(text, UriKind.Absolute, out var uri)
            || (uri.Scheme != Uri.UriSchemeHttp && uri.Scheme != Uri.UriSchemeHttps)
            || uri.UserInfo.Length > 0 || uri.Query.Length > 0 || uri.Fragment.Length > 0)
        {
            setting.Error($"{Shown.Text(text)} is not an address such as http://127.0.0.1:4317 or https://collector.example.org:4317");
            return null;
        }

        if (uri.Scheme == Uri.UriSchemeHttp && !uri.IsLoopback)
        {
            setting.Warn("metrics leave this machine unencrypted: say https");
        }

        return uri;
    }
}
