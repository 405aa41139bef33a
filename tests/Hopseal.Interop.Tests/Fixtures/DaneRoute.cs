using System.Text;
using System.Text.Json;

namespace Hopseal.Interop.Tests.Fixtures;

/// <summary>One signed tree, all destinations of <see cref="DaneCases"/>, and one gateway that has a message for each of them.</summary>
public sealed class DaneRoute : IAsyncLifetime
{
    static readonly TimeSpan s_limit = TimeSpan.FromSeconds(60);

    readonly TestDirectory _directory = new("dane");
    readonly Dictionary<string, TlsHost> _hosts = [];
    readonly int _gatewayPort = Ports.Next();
    SignedTree? _tree;
    GatewayProcess? _gateway;

    /// <summary>By the name that the case calls it.</summary>
    internal IReadOnlyDictionary<string, TlsHost> Hosts => _hosts;

    internal SignedTree Tree => _tree ?? throw new InvalidOperationException("not started");

    /// <summary>Of the gateway.</summary>
    internal TestDirectory Directory => _directory;

    internal GatewayProcess Gateway => _gateway ?? throw new InvalidOperationException("not started");

    public async ValueTask InitializeAsync()
    {
        if (SignedTree.Unavailable is not null)
        {
            return;
        }

        var cancel = TestContext.Current.CancellationToken;
        foreach (var (name, host) in DaneCases.World.Hosts)
        {
            _hosts.Add(name, new TlsHost(host.Endpoint, host.Shown));
        }

        _tree = await SignedTree.StartAsync(DaneCases.Zones, DaneCases.World.Records, cancel);
        _gateway = Gate(_directory, _gatewayPort, _tree.Port);
        await _gateway.StartAsync(cancel);
        await SendAsync(_gatewayPort, DaneCases.World.All.Select(one => one.Domain), cancel);
    }

    public async ValueTask DisposeAsync() => await Ending.OfAllAsync([_gateway, _tree, .. _hosts.Values], _directory);

    /// <summary>Another gateway towards the same destinations.</summary>
    /// <param name="nextHops">Hosts by domain.</param>
    internal static GatewayProcess Gate(TestDirectory directory, int port, int resolverPort, Dictionary<string, string>? nextHops = null)
    {
        string[] loopback = ["127.0.0.0/8"];
        int[] retryMinutes = [10];
        return new GatewayProcess(
            directory,
            new
            {
                Hostname = "gateway.test",
                DataDirectory = directory["data"],
                Listeners = new[] { new { Name = "in", Endpoint = $"127.0.0.1:{port}", Mode = "StartTls" } },
                RelayFrom = loopback,
                Domains = (nextHops ?? []).ToDictionary(hop => hop.Key, hop => new { NextHop = $"{hop.Value}:{DaneCases.Port}" }),
                Outbound = new { DaneCases.Port, RetryMinutes = retryMinutes, IdleSeconds = 0 },
                Dns = new { Servers = new[] { $"127.0.0.1:{resolverPort}" }, TimeoutSeconds = 1 },
            },
            port);
    }

    /// <summary>One message to <c>someone@</c> each domain.</summary>
    internal static async Task SendAsync(int port, IEnumerable<string> domains, CancellationToken cancel)
    {
        await using var client = await RawSmtp.OpenAsync(port, cancel);
        foreach (var domain in domains)
        {
            var content = Encoding.ASCII.GetBytes($"Subject: for {domain}\r\nFrom: a@origin.test\r\n\r\nHello\r\n");
            Assert.Equal(250, (await client.SendMessageAsync("a@origin.test", [$"someone@{domain}"], content, cancel)).Code);
        }
    }

    /// <summary>What <c>hopseal plan</c> says: for each host where its name comes from, and what is published for it.</summary>
    internal static async Task<string> PlanAsync(TestDirectory gateway, string domain, CancellationToken cancel)
    {
        var result = await Command.RunAsync(Executable.Path, ["plan", domain, "--json", "--config", gateway["hopseal.json"]], cancel);
        if (result.Output.Length == 0)
        {
            throw new InvalidOperationException($"no plan for {domain}: {result}");
        }

        using var document = JsonDocument.Parse(result.Output);
        var plan = document.RootElement;
        var words = new List<string>(plan.GetProperty("hosts").EnumerateArray().Select(Words));
        words.AddRange(plan.GetProperty("excluded").EnumerateArray().Select(host =>
            $"not {host.GetProperty("name")} {host.GetProperty("why").GetProperty("type")}"));
        var status = plan.GetProperty("status").GetString();
        return $"{plan.GetProperty("action")} {(status is null ? "" : words.Count == 0 ? status : status + ", ")}{string.Join(", ", words)}";
    }

    /// <summary>What became of the message for the domain, from the log and from what the servers saw.</summary>
    internal async Task<string> OutcomeAsync(GatewayProcess gateway, string domain, CancellationToken cancel)
    {
        var recipient = $"someone@{domain}";
        var told = await Eventually.FindAsync(
            $"an outcome for {domain}",
            s_limit,
            () => gateway.Output.Split('\n').FirstOrDefault(line =>
                line.Contains($"to {recipient} ", StringComparison.Ordinal) && line.Contains("\"EventId\":110", StringComparison.Ordinal)),
            () => gateway.Output,
            cancel);
        using var document = JsonDocument.Parse(told);
        var state = document.RootElement.GetProperty("State");
        if (document.RootElement.GetProperty("EventId").GetInt32() != 1101)
        {
            var word = document.RootElement.GetProperty("EventId").GetInt32() == 1102 ? "deferred" : "bounced";
            return $"{word} {state.GetProperty("Status")} {state.GetProperty("Reason")}";
        }

        var session = await gateway.LoggedAsync(1002, state.GetProperty("Session").GetString()!, cancel);
        var (host, delivery) = _hosts
            .SelectMany(pair => pair.Value.Deliveries.Select(delivery => (pair.Key, Delivery: delivery)))
            .Single(pair => pair.Delivery.Recipient == recipient);
        return $"delivered to {host} as {delivery.ServerName ?? "nobody, in plaintext"}, {session.GetProperty("Identity")}";
    }

    static string Words(JsonElement host)
    {
        var words = new StringBuilder($"{host.GetProperty("name")} {host.GetProperty("authenticity")}");
        foreach (var policy in host.GetProperty("policies").EnumerateArray())
        {
            // What the gateway remembers of a host depends on which message came first.
            var kind = policy.GetProperty("kind").GetString();
            words.Append(kind is "opportunistic" or "provenTls" ? "" : $" {kind}:{policy.GetProperty("floor")}");
            if (policy.TryGetProperty("dane", out var dane) && dane.GetProperty("secureMx").ValueKind is JsonValueKind.False)
            {
                words.Append(" half");
            }
        }

        return words.Append(host.GetProperty("addresses").GetArrayLength() == 0 ? " without address" : "").ToString();
    }
}
