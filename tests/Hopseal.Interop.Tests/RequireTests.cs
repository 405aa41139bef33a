using System.Net;
using System.Text;
using System.Text.Json;
using Hopseal.Interop.Tests.Fixtures;

namespace Hopseal.Interop.Tests;

/// <summary>A partner is held to what it proved, by one command, while the real executable runs.</summary>
public sealed class RequireTests
{
    const string Domain = "bank.test";
    const string Host = "mx.provider.test";
    const string Source = $"required ({Domain})";

    const int DeliveredEvent = 1101;
    const int DeferredEvent = 1102;
    const int AddedEvent = 3450;
    const int RemovedEvent = 3451;

    static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact(Timeout = 180_000)]
    public async Task A_partner_is_held_to_what_it_proved_until_that_is_taken_back()
    {
        var cancel = TestContext.Current.CancellationToken;
        using var directory = new TestDirectory("require");
        using var authority = new TestAuthority(directory);
        var (port, partnerPort) = (Ports.Next(), Ports.Next());
        var partner = new IPEndPoint(new IPAddress([127, (byte)Random.Shared.Next(64, 128), (byte)Random.Shared.Next(256), (byte)Random.Shared.Next(1, 255)]), partnerPort);
        await using var dns = await UnboundInstance.StartAsync([$"{Domain}. IN MX 10 {Host}.", $"{Host}. IN A {partner.Address}"], cancel);
        await using var gateway = new GatewayProcess(directory, Settings(directory, authority, port, partnerPort, dns.Port), port);
        await gateway.StartAsync(cancel);
        await using (var honest = new TlsHost(partner, ShownCertificate.Of(authority.Issue(Host))))
        {
            Assert.Equal("plaintext", (await PlanAsync(directory)).GetProperty("floor").GetString());

            var shown = await RunAsync(directory, "require", "add", Domain);
            Assert.Equal(1, shown.ExitCode);
            Assert.Contains("Tls             Authenticated", shown.Output, StringComparison.Ordinal);
            Assert.Contains($"Names           {Host}", shown.Output, StringComparison.Ordinal);
            Assert.Equal("plaintext", (await PlanAsync(directory)).GetProperty("floor").GetString());

            (await RunAsync(directory, "require", "add", Domain, "--yes", "--owner", "alice")).Succeeded("require add");
            await PlanDemandsItAsync(directory);
            Assert.Equal("alice", (await gateway.LoggedAsync(AddedEvent, Domain, cancel)).GetProperty("Owner").GetString());

            await SendAsync(port);
            var delivered = await gateway.LoggedAsync(DeliveredEvent, Domain, cancel);
            Assert.Equal("authenticated", delivered.GetProperty("Level").GetString());
            Assert.Contains(Source, delivered.ToString(), StringComparison.Ordinal);
            Assert.Single(honest.Deliveries);
        }

        // Who can do TLS, and is somebody else, gets nothing: neither now nor after a crash.
        await using var other = new TlsHost(partner, ShownCertificate.Of("mx.elsewhere.test"));
        await SendAsync(port);
        var deferred = await gateway.LoggedAsync(DeferredEvent, Domain, cancel);
        Assert.Equal("4.7.5", deferred.GetProperty("Status").GetString());
        Assert.Contains(Source, deferred.ToString(), StringComparison.Ordinal);
        await gateway.KillAsync(cancel);
        await gateway.StartAsync(cancel);
        await PlanDemandsItAsync(directory);
        Assert.Empty(other.Deliveries);

        (await RunAsync(directory, "require", "remove", Domain, "--owner", "bob")).Succeeded("require remove");
        Assert.Equal("bob", (await gateway.LoggedAsync(RemovedEvent, Domain, cancel)).GetProperty("Who").GetString());
        (await RunAsync(directory, "queue", "retry", "--domain", Domain)).Succeeded("queue retry");
        await Eventually.TrueAsync("the mail that waited", TimeSpan.FromSeconds(30), () => !other.Deliveries.IsEmpty, () => gateway.Output, cancel);

        var evidence = (await RunAsync(directory, "evidence", "export", "--from", "2020-01-01", "--to", "2999-01-01", "--domain", Domain)).Succeeded("evidence export");
        Assert.Contains(Source, evidence.Output, StringComparison.Ordinal);
    }

    static async Task PlanDemandsItAsync(TestDirectory directory)
    {
        var host = await PlanAsync(directory);
        Assert.Equal(("authenticated", "tls13"), (host.GetProperty("floor").GetString(), host.GetProperty("minimumVersion").GetString()));
        Assert.Contains(host.GetProperty("policies").EnumerateArray(), policy => policy.TryGetProperty("source", out var source) && source.GetString() == Source);
    }

    static async Task<JsonElement> PlanAsync(TestDirectory directory)
    {
        var plan = (await RunAsync(directory, "plan", Domain, "--json")).Succeeded("plan");
        return JsonDocument.Parse(plan.Output).RootElement.GetProperty("hosts")[0];
    }

    static Task<CommandResult> RunAsync(TestDirectory directory, params string[] arguments) =>
        Command.RunAsync(Executable.Path, [.. arguments, "--config", directory["hopseal.json"]], Cancel);

    static async Task SendAsync(int port)
    {
        await using var client = await RawSmtp.OpenAsync(port, Cancel);
        var content = Encoding.ASCII.GetBytes("Subject: require\r\nFrom: a@origin.test\r\n\r\nhello\r\n");
        Assert.Equal(250, (await client.SendMessageAsync("a@origin.test", [$"b@{Domain}"], content, Cancel)).Code);
    }

    static object Settings(TestDirectory directory, TestAuthority authority, int port, int partnerPort, int dnsPort)
    {
        var certificate = authority.Issue("gateway.test");
        string[] relayFrom = ["127.0.0.0/8"], servers = [$"127.0.0.1:{dnsPort}"], roots = [authority.RootPath];
        int[] retry = [60];
        return new
        {
            Hostname = "gateway.test",
            DataDirectory = directory["data"],
            Listeners = new[] { new { Name = "mx", Endpoint = $"127.0.0.1:{port}", Mode = "StartTls" } },
            Certificates = new[] { new { certificate.Chain, certificate.Key } },
            RelayFrom = relayFrom,
            Outbound = new { Port = partnerPort, RetryMinutes = retry },
            Dns = new { Servers = servers },
            Trust = new { Roots = roots },
        };
    }
}
