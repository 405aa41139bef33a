using System.Text.Json;
using Hopseal.Commands;
using Hopseal.Configuration;
using Hopseal.Dns;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace Hopseal.Tests.Commands;

public sealed class PlanCommandTests : IDisposable
{
    const string Configuration = """
        {
          "Hostname": "mx1.example.org",
          "DataDirectory": "data",
          "Listeners": [ { "Name": "mx", "Endpoint": "127.0.0.1:2525", "Mode": "StartTls" } ],
          "Certificates": [ { "Chain": "mx.pem", "Key": "mx.key" } ],
          "Domains": { "kept.test": { "Maildir": "/var/mail/kept" } }
        }
        """;

    static readonly DateTimeOffset s_now = new(2026, 5, 1, 12, 0, 0, TimeSpan.Zero);

    static readonly ZoneResolver s_zone = ZoneResolver.Parse("""
        plain.test   A    192.0.2.1
        null.test    MX   0 .
        broken.test  FAIL MX DNSSEC bogus
        """);

    readonly Workspace _workspace = new();

    static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public void Dispose() => _workspace.Dispose();

    [Theory]
    [InlineData("plain.test", 0, "plain.test: relay to one host")]
    [InlineData("PLAIN.test.", 0, "plain.test: relay to one host")]
    [InlineData("null.test", 1, "null.test: return to sender, 5.1.10 null.test takes no mail (null MX)")]
    [InlineData("nowhere.test", 1, "nowhere.test: return to sender, 5.1.2 nowhere.test does not exist")]
    [InlineData("broken.test", 3, "broken.test: wait, 4.4.3 the MX hosts of broken.test are not known now: broken.test MX: SERVFAIL, DNSSEC bogus")]
    [InlineData("no name\u001b[31m", 1, @"no name\u001b[31m: return to sender, 5.1.2 no name\u001b[31m is no destination for mail")]
    public async Task The_exit_code_says_whether_mail_would_go(string domain, int expected, string firstLine)
    {
        var run = await RunAsync("plan", domain);
        Assert.Equal((expected, firstLine, ""), (run.ExitCode, run.Out.Split('\n')[0], run.Error));
    }

    [Theory]
    [InlineData("hopseal: the domain is empty", "")]
    [InlineData("hopseal: \"me\" is not an address", "plain.test", "--from", "me")]
    [InlineData("hopseal: none.json: there is no such file", "plain.test", "--config", "none.json")]
    public async Task What_cannot_be_planned_is_a_fault_of_the_command_line(string fault, params string[] args)
    {
        var run = await RunAsync(["plan", .. args]);
        Assert.Equal((2, "", fault + "\n"), (run.ExitCode, run.Out, run.Error));
    }

    [Fact]
    public async Task A_faulty_configuration_is_named_by_key_and_line()
    {
        _workspace.Write("hopseal.json", Configuration.Replace("Maildir", "Mailbox", StringComparison.Ordinal));
        var run = await RunAsync("plan", "kept.test", "-c", "hopseal.json");
        Assert.Equal((2, ""), (run.ExitCode, run.Out));
        Assert.Contains("hopseal.json:6: Domains[\"kept.test\"].Mailbox: there is no such key", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task As_JSON_it_is_one_object_and_nothing_else()
    {
        var run = await RunAsync("plan", "null.test", "--json", "--from", "<a@example.org>");
        Assert.Equal(
            """
            {"type":"plan","domain":"null.test","sender":"a@example.org","source":"defaults","at":"2026-05-01T12:00:00+00:00","action":"bounce","status":"5.1.10","reason":"null.test takes no mail (null MX)","maildir":null,"credentials":false,"hosts":[],"excluded":[],"messages":[{"kind":"unspecified","action":"bounce","status":"5.1.10","reason":"null.test takes no mail (null MX)","hosts":[]},{"kind":"required","action":"bounce","status":"5.1.10","reason":"null.test takes no mail (null MX)","hosts":[]},{"kind":"optional","action":"bounce","status":"5.1.10","reason":"null.test takes no mail (null MX)","hosts":[]}],"resolver":null}

            """,
            run.Out);
    }

    [Fact]
    public async Task Without_a_running_gateway_the_configuration_decides_and_what_it_remembers_counts()
    {
        WriteConfiguration();
        Directory.CreateDirectory(_workspace.PathOf("data"));
        _workspace.Write(Path.Combine("data", "proven-tls"), $"plain.test 25 {s_now.AddDays(-1).ToUnixTimeSeconds()}\n");
        var run = await RunAsync("plan", "plain.test", "-c", "hopseal.json");
        Assert.Equal(0, run.ExitCode);
        Assert.Contains("policy     Encrypted     completed TLS before, last 2026-04-30 12:00 UTC\n", run.Out, StringComparison.Ordinal);
        Assert.Contains("no gateway runs with hopseal.json", run.Error, StringComparison.Ordinal);

        run = await RunAsync("plan", "kept.test", "-c", "hopseal.json");
        Assert.Equal("kept.test: kept here, in /var/mail/kept\n", run.Out);
    }

    [Fact]
    public async Task A_running_gateway_is_asked_and_what_it_remembers_counts()
    {
        WriteConfiguration();
        var loaded = Assert.IsType<ConfigurationResult.Usable>(ConfigurationFile.Load(
            "hopseal.json", _workspace.Directory, new Dictionary<string, string>(), TimeProvider.System));
        var gatewaysZone = ZoneResolver.Parse("plain.test A 192.0.2.99");
        await using (await Gateway.StartAsync(loaded.Configuration, NullLoggerFactory.Instance, TimeProvider.System, gatewaysZone))
        {
            var run = await RunAsync("plan", "plain.test", "--json", "-c", "hopseal.json");
            Assert.Equal((0, ""), (run.ExitCode, run.Error));
            var plan = JsonDocument.Parse(run.Out).RootElement;
            Assert.Equal("gateway", plan.GetProperty("source").GetString());
            Assert.Equal("192.0.2.99", plan.GetProperty("hosts")[0].GetProperty("addresses")[0].GetString());
        }

        Assert.Contains("192.0.2.1 ", (await RunAsync("plan", "plain.test", "-c", "hopseal.json")).Out, StringComparison.Ordinal);
    }

    void WriteConfiguration()
    {
        using var certificate = _workspace.WriteCertificate("mx");
        _workspace.Write("hopseal.json", Configuration.Replace("2525", $"{ProgramRun.FreePort()}", StringComparison.Ordinal));
    }

    async Task<CommandRun> RunAsync(params string[] args)
    {
        using var output = new StringWriter { NewLine = "\n" };
        using var error = new StringWriter { NewLine = "\n" };
        var terminal = new Terminal
        {
            Out = output,
            Error = error,
            OpenInput = () => Stream.Null,
            Directory = _workspace.Directory,
            Clock = new FakeTimeProvider(s_now),
            Zone = s_zone,
        };
        var code = await CommandLine.RunAsync(args, terminal, Cancel);
        return new CommandRun(code, output.ToString(), error.ToString());
    }
}
