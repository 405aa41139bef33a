using System.Text.RegularExpressions;
using Hopseal.Interop.Tests.Fixtures;

namespace Hopseal.Interop.Tests;

/// <summary>Prometheus' own <c>promtool</c> as the judge of what is shown, and of the alert rules.</summary>
public sealed partial class PrometheusTests : IAsyncLifetime
{
    const string Hostname = "gateway.test";
    static readonly TimeSpan s_limit = TimeSpan.FromSeconds(30);

    static readonly string[] s_names = [Hostname];
    static readonly string[] s_nobody = ["127.0.0.1:1"];
    static readonly string[] s_watched = ["partner.test"];

    readonly TestDirectory _directory = new("metrics");
    readonly TestAuthority _authority;
    readonly GatewayProcess _gateway;
    readonly int _port = Ports.Next();
    readonly int _metricsPort = Ports.Next();

    public PrometheusTests()
    {
        _authority = new TestAuthority(_directory);
        var certificate = _authority.Issue(Hostname);
        _gateway = new GatewayProcess(
            _directory,
            new
            {
                Hostname,
                DataDirectory = _directory["data"],
                Listeners = new[] { new { Name = "mx", Endpoint = $"127.0.0.1:{_port}", Mode = "StartTls" } },
                Certificates = new[] { new { certificate.Chain, certificate.Key } },
                MxNames = s_names,
                Domains = new Dictionary<string, object> { ["kept.test"] = new { Maildir = _directory["maildir"] } },
                Monitor = new { Partners = s_watched },
                Metrics = new { Endpoint = $"127.0.0.1:{_metricsPort}" },

                // A server that does not answer is a state too.
                Dns = new { Servers = s_nobody, HealthMinutes = 15 },
            },
            _port);
    }

    public async ValueTask InitializeAsync() => await _gateway.StartAsync(TestContext.Current.CancellationToken);

    public async ValueTask DisposeAsync() => await Ending.OfAllAsync([_gateway], _authority, _directory);

    [Fact(Timeout = 120_000)]
    public async Task Everything_the_document_names_is_shown_and_nothing_that_promtool_finds_fault_with()
    {
        var cancel = TestContext.Current.CancellationToken;
        (await Command.RunAsync(
            "swaks", ["--server", "127.0.0.1", "--port", $"{_port}", "--tls", "--from", "me@sender.test", "--to", "you@kept.test"], cancel)).Succeeded("swaks");
        using var client = new HttpClient();
        var text = "";
        var shown = await Eventually.FindAsync(
            "a scrape with every metric",
            s_limit,
            async () =>
            {
                text = await client.GetStringAsync(new Uri($"http://127.0.0.1:{_metricsPort}/metrics"), cancel);
                var names = Name().Matches(text).Select(type => type.Groups["name"].Value).Order(StringComparer.Ordinal).ToList();
                return Documented().All(names.Contains) ? names : null;
            },
            () => string.Join('\n', Documented().Where(name => !text.Contains($"# TYPE {name} ", StringComparison.Ordinal))) + "\nare missing in\n" + text + _gateway.Output,
            cancel);

        Assert.Equal(Documented(), shown);
        Assert.Contains("hopseal_sessions_total{otel_scope_name=\"Hopseal\",direction=\"in\",listener=\"mx\",reached=\"encrypted\",result=\"none\",version=\"TLSv1.3\",wanted=\"plaintext\"} 1\n", text, StringComparison.Ordinal);
        Assert.Contains("hopseal_deliveries_total{otel_scope_name=\"Hopseal\",outcome=\"kept\"", text, StringComparison.Ordinal);
        Assert.Contains("hopseal_resolver_state{otel_scope_name=\"Hopseal\",state=\"unreachable\"} 1\n", text, StringComparison.Ordinal);
        Assert.Contains($"file=\"{_directory[Hostname + ".crt"]}\"", text, StringComparison.Ordinal);

        var judged = await Command.RunAsync("promtool", ["check", "metrics"], cancel, text);
        Assert.True(judged is { ExitCode: 0, Error: "" }, judged.ToString());
        Assert.NotEqual(0, (await Command.RunAsync("promtool", ["check", "metrics"], cancel, text + "broken{ 1\n")).ExitCode);
    }

    [Theory(Timeout = 60_000)]
    [InlineData("GET", "/")]
    [InlineData("GET", "/metrics/")]
    [InlineData("POST", "/metrics")]
    public async Task Nothing_else_is_there(string method, string path)
    {
        var cancel = TestContext.Current.CancellationToken;
        using var client = new HttpClient();
        using var request = new HttpRequestMessage(new HttpMethod(method), $"http://127.0.0.1:{_metricsPort}{path}");
        using var response = await client.SendAsync(request, cancel);
        Assert.Equal(404, (int)response.StatusCode);
        Assert.False(response.Headers.Contains("Server"));
    }

    [Fact(Timeout = 60_000)]
    public async Task The_alert_rules_are_silent_on_a_healthy_gateway_and_fire_on_a_sick_one()
    {
        var cancel = TestContext.Current.CancellationToken;
        var rules = Path.Combine(Executable.Root, "packaging", "prometheus-alerts.yml");
        (await Command.RunAsync("promtool", ["check", "rules", rules], cancel)).Succeeded("check rules");
        var cases = Path.Combine(Executable.Root, "tests", "Hopseal.Interop.Tests", "Prometheus", "alerts.test.yml");
        (await Command.RunAsync("promtool", ["test", "rules", cases], cancel)).Succeeded("test rules");

        var text = await File.ReadAllTextAsync(rules, cancel);
        Assert.Subset(Documented().ToHashSet(), Used().Matches(text).Select(name => name.Value).ToHashSet());
        var tested = await File.ReadAllTextAsync(cases, cancel);
        Assert.All(Alert().Matches(text), alert => Assert.Contains(alert.Groups["name"].Value, tested, StringComparison.Ordinal));
    }

    /// <summary>As Prometheus calls them.</summary>
    static string[] Documented() =>
        [.. Row().Matches(File.ReadAllText(Path.Combine(Executable.Root, "docs", "metrics.md"))).Select(row => row.Groups["name"].Value).Order(StringComparer.Ordinal)];

    [GeneratedRegex("^# TYPE (?<name>hopseal_[a-z_]+) ", RegexOptions.Multiline)]
    private static partial Regex Name();

    [GeneratedRegex(@"^\| `hopseal\.[a-z.]+` \| `(?<name>hopseal_[a-z_]+)` \|", RegexOptions.Multiline)]
    private static partial Regex Row();

    [GeneratedRegex("hopseal_[a-z_]+")]
    private static partial Regex Used();

    [GeneratedRegex("alert: (?<name>[A-Za-z]+)")]
    private static partial Regex Alert();
}
