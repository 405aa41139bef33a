using Hopseal.Configuration;
using OpenTelemetry.Exporter;

namespace Hopseal.Tests.Configuration;

/// <summary>The section Metrics: what is wrong with it, by line, key and message.</summary>
public sealed class MetricsSettingsTests : IDisposable
{
    readonly Workspace _workspace = new();

    public void Dispose() => _workspace.Dispose();

    /// <summary>The fragment begins in line 5.</summary>
    public static TheoryData<string, string[]> Broken => new()
    {
        { "\"Metrics\": { \"Endpoint\": \"127.0.0.1\" }", ["5: Metrics.Endpoint: \"127.0.0.1\" lacks a port between 1 and 65535"] },
        { "\"Metrics\": { \"Endpoint\": \"127.0.0.1:25\" }", ["5: Metrics.Endpoint: the listener \"mx\" listens on 127.0.0.1:25 already"] },
        { "\"Metrics\": { \"Endpoint\": \"0.0.0.0:9464\" }", [
            "5: Metrics.Endpoint: 0.0.0.0 is not loopback: say \"Public\": true if everybody who reaches it may read the metrics, unencrypted"] },
        { "\"Metrics\": { \"Endpoint\": \"[::]:9464\", \"Public\": false }", [
            "5: Metrics.Endpoint: :: is not loopback: say \"Public\": true if everybody who reaches it may read the metrics, unencrypted"] },
        { "\"Metrics\": { \"Otlp\": \"127.0.0.1:4317\" }", [
            "5: Metrics.Otlp: \"127.0.0.1:4317\" is not an address such as http://127.0.0.1:4317 or https://collector.example.org:4317"] },
        { "\"Metrics\": { \"Otlp\": \"https://me:secret@127.0.0.1\" }", [
            "5: Metrics.Otlp: \"https://me:secret@127.0.0.1\" is not an address such as http://127.0.0.1:4317 or https://collector.example.org:4317"] },
        { "\"Metrics\": { \"OtlpProtocol\": \"grpc\" }", ["5: Metrics.OtlpProtocol: \"grpc\" is none of Grpc, Http; did you mean Grpc?"] },
        { "\"Metrics\": { \"OtlpSeconds\": 0 }", ["5: Metrics.OtlpSeconds: 0 is not between 1 and 3600"] },
        { "\"Metrics\": { \"Port\": 9464 }", ["5: Metrics.Port: there is no such key"] },
    };

    [Theory]
    [MemberData(nameof(Broken))]
    public void Every_fault_is_named_with_its_line_and_its_key(string fragment, string[] expected) =>
        Assert.Equal(expected, Shown(Assert.IsType<ConfigurationResult.Faulty>(Load(fragment)).Faults));

    public static TheoryData<string, string[]> Risky => new()
    {
        { "\"Metrics\": { \"Endpoint\": \"0.0.0.0:9464\", \"Public\": true }", [
            "5: warning: Metrics.Endpoint: whoever reaches 0.0.0.0:9464 reads the metrics, without a password and unencrypted"] },
        { "\"Metrics\": { \"Public\": true }", ["5: warning: Metrics.Public: says nothing without Endpoint"] },
        { "\"Metrics\": { \"Otlp\": \"http://192.0.2.1:4317\" }", ["5: warning: Metrics.Otlp: metrics leave this machine unencrypted: say https"] },
        { "\"Metrics\": { \"Endpoint\": \"[::1]:9464\", \"Otlp\": \"http://localhost:4317\" }", [] },
        { "\"Metrics\": { \"Otlp\": \"https://192.0.2.1:4317\" }", [] },
    };

    [Theory]
    [MemberData(nameof(Risky))]
    public void What_shows_more_than_it_should_is_a_warning(string fragment, string[] expected) =>
        Assert.Equal(expected, Shown(Assert.IsType<ConfigurationResult.Usable>(Load(fragment)).Warnings));

    [Fact]
    public void Without_the_section_nothing_is_shown_or_sent()
    {
        var settings = Assert.IsType<ConfigurationResult.Usable>(Load("\"Metrics\": {}")).Configuration.Metrics;
        Assert.False(settings.Wanted);
        Assert.Equal(MetricsSettings.None, settings);
    }

    [Theory]
    [InlineData("\"Otlp\": \"http://127.0.0.1:4317\"", OtlpExportProtocol.Grpc, "http://127.0.0.1:4317/")]
    [InlineData("\"Otlp\": \"http://127.0.0.1:4318\", \"OtlpProtocol\": \"Http\"", OtlpExportProtocol.HttpProtobuf, "http://127.0.0.1:4318/v1/metrics")]
    [InlineData("\"Otlp\": \"http://127.0.0.1:4318/mine\", \"OtlpProtocol\": \"Http\"", OtlpExportProtocol.HttpProtobuf, "http://127.0.0.1:4318/mine")]
    public void The_collector_is_asked_where_its_protocol_has_it(string members, OtlpExportProtocol protocol, string address)
    {
        var settings = Assert.IsType<ConfigurationResult.Usable>(Load($"\"Metrics\": {{ {members} }}")).Configuration.Metrics;
        Assert.Equal((protocol, new Uri(address)), (settings.Protocol, settings.Otlp));
    }

    static IEnumerable<string> Shown(IEnumerable<ConfigFault> faults) => faults.Select(fault => fault.ToString()["hopseal.json:".Length..])
        .Where(fault => fault.Contains("Metrics", StringComparison.Ordinal));

    ConfigurationResult Load(string fragment)
    {
        _workspace.Write("hopseal.json", $$"""
            {
            "Hostname": "mx1.example.org",
            "DataDirectory": ".",
            "Listeners": [ { "Name": "mx", "Endpoint": "127.0.0.1:25", "Mode": "StartTls" } ],
            {{fragment}},
            "RelayFrom": [ "127.0.0.0/8" ]
            }
            """);
        return ConfigurationFile.Load("hopseal.json", _workspace.Directory, [], TimeProvider.System);
    }
}
