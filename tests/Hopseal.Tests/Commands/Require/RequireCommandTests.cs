using System.Net;
using Hopseal.Audit.Checks;
using Hopseal.Audit.Facts;
using Hopseal.Audit.Profiles;
using Hopseal.Configuration;
using Hopseal.Dns;
using Hopseal.Monitor;
using Hopseal.Monitor.Requiring;
using Hopseal.Monitor.Store;
using Hopseal.Relay.Stores.Sqlite;
using Hopseal.Reports.Store;
using Hopseal.Smtp.Tls;
using Microsoft.Extensions.Logging.Abstractions;

namespace Hopseal.Tests.Commands.Require;

public sealed class RequireCommandTests : IDisposable
{
    const string Zone = """
        bank.test            MX  10 mx.bank.test
        mx.bank.test         A   127.0.0.1
        mute.test            MX  10 mx.mute.test
        mx.mute.test         A   127.0.0.9
        """;

    readonly Workspace _workspace = new();

    public RequireCommandTests()
    {
        Directory.CreateDirectory(_workspace.PathOf("data"));
        Configure();
    }

    static CancellationToken Cancel => TestContext.Current.CancellationToken;

    RequiredFile TheFile => RequiredFile.In(_workspace.PathOf("data"));

    public void Dispose() => _workspace.Dispose();

    [Fact]
    public async Task Of_a_stopped_gateway_the_file_is_shown_and_changed()
    {
        await SqliteQueueStore.Open(_workspace.PathOf("data")).DisposeAsync();
        Assert.Equal(new CommandRun(1, "", ""), await RunAsync("list"));
        var added = await RunAsync(
            "add", "BANK.test", "--tls", "Authenticated", "--minimum-version", "1.3", "--name", "mx.provider.test", "--owner", "alice", "--because", "ticket 4711");
        Assert.Equal(0, added.ExitCode);
        Assert.EndsWith("mail for bank.test has to have Authenticated from now on; `hopseal plan bank.test` shows what it needs in all\n", added.Error, StringComparison.Ordinal);

        var rule = Assert.Single(TheFile.Load());
        Assert.Equal(
            ("bank.test", SecurityFloor.Authenticated, TlsVersion.Tls13, "alice", "ticket 4711"), (rule.Domain.Ascii, rule.Floor, rule.MinimumVersion, rule.Owner, rule.Because));
        Assert.Equal(
            $"""
            TLS            VERSION  SINCE       OWNER         DOMAIN
            Authenticated  1.3      {rule.Since.UtcDateTime:yyyy-MM-dd}  alice         bank.test
                ticket 4711; names mx.provider.test

            """,
            (await RunAsync("list")).Out);
        Assert.StartsWith("""{"type":"required","domain":"bank.test","tls":"authenticated","minimumVersion":"tls13",""", (await RunAsync("list", "--json")).Out, StringComparison.Ordinal);

        Assert.Equal(new CommandRun(0, "", "nothing is required of bank.test any more beside the configuration\n"), await RunAsync("remove", "bank.test"));
        Assert.Equal(new CommandRun(1, "", "nothing was required of bank.test beside the configuration\n"), await RunAsync("remove", "bank.test"));
        Assert.Empty(TheFile.Load());
    }

    [Fact]
    public async Task Of_a_running_gateway_the_next_plan_demands_it()
    {
        await using var gateway = await StartAsync();
        Assert.DoesNotContain("required (bank.test)", await PlanAsync(), StringComparison.Ordinal);
        Assert.Equal(0, (await RunAsync("add", "bank.test", "--tls", "Encrypted", "--owner", "alice")).ExitCode);
        Assert.Contains("Encrypted     configured: required (bank.test)", await PlanAsync(), StringComparison.Ordinal);
        Assert.Equal("alice", Assert.Single(TheFile.Load()).Owner);
        Assert.Equal(0, (await RunAsync("remove", "bank.test")).ExitCode);
        Assert.DoesNotContain("required (bank.test)", await PlanAsync(), StringComparison.Ordinal);

        Assert.Equal(0, (await RunAsync("add", "bank.test", "--tls", "Authenticated", "--owner", "alice")).ExitCode);
        var lower = await RunAsync("add", "bank.test", "--tls", "Encrypted", "--owner", "bob");
        Assert.Equal(3, lower.ExitCode);
        Assert.Contains("alice requires more of bank.test", lower.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task It_counts_after_a_restart_and_without_a_gateway()
    {
        await using (await StartAsync())
        {
            Assert.Equal(0, (await RunAsync("add", "bank.test", "--tls", "Encrypted")).ExitCode);
        }

        Assert.Contains("required (bank.test)", await PlanAsync(), StringComparison.Ordinal);
        await using var again = await StartAsync();
        Assert.Contains("required (bank.test)", await PlanAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_a_domain_has_proved_is_shown_first_and_required_when_somebody_says_yes()
    {
        await using var gateway = await StartAsync();
        Configure(gateway.Endpoints[0].Port);
        var shown = await RunAsync("add", "bank.test");
        Assert.Equal(1, shown.ExitCode);
        Assert.EndsWith("hopseal: nothing was changed; --yes requires it\n", shown.Error, StringComparison.Ordinal);
        Assert.StartsWith(
            """
            bank.test has proved:
              Tls             Encrypted
              MinimumVersion  1.3
              1 host with 1 address did TLS 1.3; none has to prove who it is (seen 
            """,
            shown.Out, StringComparison.Ordinal);
        Assert.Empty(TheFile.Load());

        var required = await RunAsync("add", "bank.test", "--yes", "--owner", "alice");
        Assert.Equal(0, required.ExitCode);
        var rule = Assert.Single(TheFile.Load());
        Assert.Equal((SecurityFloor.Encrypted, TlsVersion.Tls13, "alice"), (rule.Floor, rule.MinimumVersion, rule.Owner));
        Assert.StartsWith("1 host with 1 address did TLS 1.3; none has to prove who it is (seen ", rule.Because, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(1, true)]
    [InlineData(72, false)]
    public async Task What_the_monitor_saw_lately_is_the_proof_and_nobody_is_asked_again(int hoursAgo, bool isProof)
    {
        await SqliteQueueStore.Open(_workspace.PathOf("data")).DisposeAsync();
        await using (var database = RecordsDatabase.Open(_workspace.PathOf("data"), [MonitorTables.Part], NullLogger<RecordsDatabase>.Instance))
        {
            var at = TimeProvider.System.GetUtcNow().AddHours(-hoursAgo);
            var domain = new WatchedDomain(DomainName.Parse("mute.test"), WatchedAs.Partner);
            var store = new MonitorStore(database);
            await store.SyncAsync([domain], _ => at, Cancel);
            await store.WriteAsync(domain, new LookState(at, at, 0, null), at, Judge.Of(Facts("mute.test", at), Profile.Named(Profile.Default)), Standing.AsExpected, Cancel);
        }

        var run = await RunAsync("add", "mute.test", "--yes");
        Assert.Equal(isProof ? 0 : 1, run.ExitCode);
        Assert.Equal(isProof, TheFile.Load() is [{ Floor: SecurityFloor.Authenticated, MinimumVersion: TlsVersion.Tls13, Names: ["mx.provider.test"] }]);
    }

    [Fact]
    public async Task Records_of_a_gateway_without_a_monitor_are_in_nobodys_way()
    {
        await SqliteQueueStore.Open(_workspace.PathOf("data")).DisposeAsync();
        await RecordsDatabase.Open(_workspace.PathOf("data"), [], NullLogger<RecordsDatabase>.Instance).DisposeAsync();
        var run = await RunAsync("add", "mute.test");
        Assert.Equal(1, run.ExitCode);
        Assert.Contains("mx.mute.test was not reached", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_domain_that_proved_nothing_is_held_to_nothing()
    {
        await SqliteQueueStore.Open(_workspace.PathOf("data")).DisposeAsync();
        var run = await RunAsync("add", "mute.test", "--yes");
        Assert.Equal(1, run.ExitCode);
        Assert.Contains("hopseal: mute.test has proved nothing that it could be held to: mx.mute.test was not reached", run.Error, StringComparison.Ordinal);
        Assert.Empty(TheFile.Load());
    }

    [Theory]
    [InlineData("\"Domains\": { \"bank.test\": { \"NextHop\": \"192.0.2.1\" } }", "a next hop of Domains")]
    [InlineData("\"Outbound\": { \"SmartHost\": \"192.0.2.1\" }", "the smart host")]
    public async Task Where_mail_goes_to_a_next_hop_its_own_servers_are_not_asked_anything(string section, string why)
    {
        await SqliteQueueStore.Open(_workspace.PathOf("data")).DisposeAsync();
        Configure(25, section);
        var run = await RunAsync("add", "bank.test", "--tls", "Encrypted");
        Assert.Equal(2, run.ExitCode);
        Assert.Contains(why, run.Error, StringComparison.Ordinal);
        Assert.Empty(TheFile.Load());
    }

    [Theory]
    [InlineData("add", "bank test", "--tls", "Encrypted")]
    [InlineData("add", "*.test", "--tls", "Encrypted")]
    [InlineData("add", "bank.test", "--tls", "Plaintext")]
    [InlineData("add", "bank.test", "--tls", "Encrypted", "--minimum-version", "1.1")]
    [InlineData("add", "bank.test", "--minimum-version", "1.3")]
    [InlineData("add", "bank.test", "--name", "mx.test")]
    [InlineData("add")]
    [InlineData("remove", "")]
    public async Task What_cannot_be_required_is_a_usage_fault(params string[] args) => Assert.Equal(2, (await RunAsync(args)).ExitCode);

    [Fact]
    public async Task A_damaged_file_stops_everything_that_would_go_on_without_it()
    {
        await SqliteQueueStore.Open(_workspace.PathOf("data")).DisposeAsync();
        File.WriteAllText(TheFile.Path, "{ \"Version\": 1, \"Rules\": [ { \"Destination\": \"bank.test\" } ] }");
        var start = await Assert.ThrowsAsync<GatewayStartException>(StartAsync);
        Assert.Contains(RequiredFile.Name, start.Message, StringComparison.Ordinal);
        Assert.Contains("is damaged", start.Message, StringComparison.Ordinal);
        Assert.Equal(3, (await RunAsync("list")).ExitCode);
        Assert.Equal(3, (await RunAsync("add", "bank.test", "--tls", "Encrypted")).ExitCode);
        var plan = await CommandRun.OfAsync(_workspace.Directory, ["plan", "bank.test", "-c", "hopseal.json"], zone: ZoneResolver.Parse(Zone));
        Assert.Equal(3, plan.ExitCode);
        var check = await CommandRun.OfAsync(_workspace.Directory, ["config", "check"], zone: ZoneResolver.Parse(Zone));
        Assert.Equal(1, check.ExitCode);
        Assert.Contains($"hopseal.json: DataDirectory: {TheFile.Path} is damaged", check.Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_check_of_the_configuration_says_what_is_required_beside_it()
    {
        TheFile.Save([new RequiredRule(DomainName.Parse("bank.test"), SecurityFloor.Encrypted, null, [], "alice", DateTimeOffset.UnixEpoch, "seen")]);
        var check = await CommandRun.OfAsync(_workspace.Directory, ["config", "check"], zone: ZoneResolver.Parse(Zone));
        Assert.Equal(0, check.ExitCode);
        Assert.Contains("something is required of 1 domain", check.Error, StringComparison.Ordinal);

        Configure(25, "\"Outbound\": { \"SmartHost\": \"192.0.2.1\" }");
        check = await CommandRun.OfAsync(_workspace.Directory, ["config", "check"], zone: ZoneResolver.Parse(Zone));
        Assert.Equal(0, check.ExitCode);
        Assert.Contains("warning: required (bank.test): mail for bank.test leaves through the smart host", check.Out, StringComparison.Ordinal);
    }

    /// <summary>One host with a certificate for its name, which an unsigned MX record names.</summary>
    static AuditFacts Facts(string domain, DateTimeOffset at)
    {
        var certificate = new CertificateFacts(
            "CN=mx", "CN=ca", ["mx.provider.test"], at, at.AddDays(60), "ECDSA", 256, "nistP256", "sha256ECDSA", "SHA256", new string('a', 64), new string('b', 64), true);
        var endpoint = new EndpointFacts(
            "192.0.2.1", 25, "smtp", 1, new DialogueFacts(Reach.Talked, null, "mx ESMTP", ["STARTTLS"], true, "220 go", [], [], []),
            new HandshakeFacts(true, null, "TLSv1.3", "TLS_AES_256_GCM_SHA384", [certificate], [], true, null, null));
        return new AuditFacts(
            domain, at, TimeSpan.FromSeconds(1), false,
            new DomainFacts(
                domain, new MxFacts(MxState.Found, false, [new ExchangerFacts(10, "mx.provider.test")]), new StsFacts(null, true, null, null, null), new TlsRptFacts(null, true, null, [])),
            [new HostFacts("mx.provider.test", 10, null, false, new TlsaFacts(TlsaAnswer.Absent, null, [], []), [endpoint])]);
    }

    /// <summary>A gateway that would reach bank.test at its own listener.</summary>
    Task<Gateway> StartAsync()
    {
        var read = ConfigurationFile.Load("hopseal.json", _workspace.Directory, new Dictionary<string, string>(), TimeProvider.System);
        var configuration = Assert.IsType<ConfigurationResult.Usable>(read).Configuration;
        return Gateway.StartAsync(
            configuration with { Listeners = [configuration.Listeners[0] with { Endpoint = new IPEndPoint(IPAddress.Loopback, 0) }] },
            NullLoggerFactory.Instance, TimeProvider.System, ZoneResolver.Parse(Zone));
    }

    void Configure(int port = 25, string? more = null)
    {
        if (!File.Exists(_workspace.PathOf("mx.pem")))
        {
            _workspace.WriteCertificate("mx", "mx.bank.test").Dispose();
        }

        more ??= $$"""
            "Outbound": { "Port": {{port}} }
            """;
        _workspace.Write("hopseal.json", $$"""
            {
              "Hostname": "mx1.example.org", "DataDirectory": "data", "RelayFrom": [ "127.0.0.1" ], "Dns": { "HealthMinutes": 0 },
              "Listeners": [ { "Name": "mx", "Endpoint": "127.0.0.1:2525", "Mode": "StartTls" } ],
              "Certificates": [ { "Chain": "mx.pem", "Key": "mx.key" } ],
              {{more}}
            }
            """);
    }

    async Task<string> PlanAsync()
    {
        var run = await CommandRun.OfAsync(_workspace.Directory, ["plan", "bank.test", "-c", "hopseal.json"], zone: ZoneResolver.Parse(Zone));
        Assert.Equal(0, run.ExitCode);
        return run.Out;
    }

    Task<CommandRun> RunAsync(params string[] args) =>
        CommandRun.OfAsync(_workspace.Directory, ["require", .. args, "--config", "hopseal.json"], zone: ZoneResolver.Parse(Zone));
}
