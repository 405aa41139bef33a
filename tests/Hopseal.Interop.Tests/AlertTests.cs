using System.Collections.Concurrent;
using System.Net;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using Hopseal.Interop.Tests.Fixtures;

namespace Hopseal.Interop.Tests;

/// <summary>Somebody strips STARTTLS, and people are told: by webhook, by mail and by the command, over a restart, until it ends.</summary>
public sealed partial class AlertTests
{
    const string Gateway = "gateway.test";
    const string Domain = "victim.test";
    const string Secret = "a secret of the receiver";

    static readonly TimeSpan s_limit = TimeSpan.FromSeconds(60);

    static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact(Timeout = 180_000)]
    public async Task An_attack_is_told_once_when_it_begins_and_once_when_it_ends()
    {
        var cancel = TestContext.Current.CancellationToken;
        using var directory = new TestDirectory("alerts");
        using var authority = new TestAuthority(directory);
        var (port, mxPort) = (Ports.Next(), Ports.Next());
        var (attackerAt, hostAt) = (Address(1, mxPort), Address(2, mxPort));
        await using var host = new TlsHost(hostAt, ShownCertificate.Of("mx.victim.test"));
        await using var attacker = new OnPathAttacker(attackerAt, hostAt, hostAt);
        await using var hook = new Hook();
        var maildir = new Maildir(directory["postmaster"]);
        await using var gateway = new GatewayProcess(directory, Configuration(directory, authority, port, attackerAt, hook.Url), port);
        string[] list = ["alerts", "list", "--config", directory["hopseal.json"]];

        await gateway.StartAsync(cancel);
        await SendAsync("before", port, authority);
        await gateway.LoggedAsync(1101, "before@victim.test", cancel);

        attacker.Attack = Attack.Strip;
        await SendAsync("during", port, authority);
        await gateway.LoggedAsync(1102, "during@victim.test", cancel);
        var opened = await hook.GotAsync(1, () => gateway.Output, cancel);
        Assert.Equal(("opened", "stripping.host", $"{attackerAt}", "critical"), Shape(opened));
        var listed = await Command.RunAsync(Executable.Path, list, cancel);
        Assert.True(listed.ExitCode == 1 && listed.Output.Contains("stripping.host", StringComparison.Ordinal), listed.ToString());
        await maildir.WaitForAsync("opened", 1, s_limit, () => gateway.Output, cancel);

        // Whoever is told relies on it: a restart neither ends an alert nor tells it again.
        Assert.Equal(0, await gateway.StopAsync(cancel));
        await gateway.StartAsync(cancel);
        await SendAsync("still", port, authority);
        await gateway.LoggedAsync(1102, "still@victim.test", cancel);

        attacker.Attack = Attack.None;
        string[] retry = ["queue", "retry", "--domain", Domain, "--config", directory["hopseal.json"]];
        (await Command.RunAsync(Executable.Path, retry, cancel)).Succeeded("queue retry");
        await gateway.LoggedAsync(1101, "still@victim.test", cancel);
        var resolved = await hook.GotAsync(2, () => gateway.Output, cancel);
        Assert.Equal(("resolved", "stripping.host", $"{attackerAt}", "critical"), Shape(resolved));
        Assert.Equal(opened.Body.GetProperty("id").GetInt64(), resolved.Body.GetProperty("id").GetInt64());
        await Eventually.FindAsync(
            "an empty list", s_limit, async () => await Command.RunAsync(Executable.Path, list, cancel) is { ExitCode: 0 } empty ? empty : null, () => gateway.Output, cancel);

        var test = await Command.RunAsync(Executable.Path, ["alerts", "test", "--config", directory["hopseal.json"]], cancel);
        Assert.True(test.ExitCode == 0 && test.Output.Contains("taken", StringComparison.Ordinal) && test.Output.Contains("in the queue", StringComparison.Ordinal), test.ToString());
        Assert.Equal("test", (await hook.GotAsync(3, () => gateway.Output, cancel)).Body.GetProperty("event").GetString());
        await Verified(opened);
        hook.Status = 500;
        var refused = await Command.RunAsync(Executable.Path, ["alerts", "test", "--config", directory["hopseal.json"]], cancel);
        Assert.True(refused.ExitCode == 1 && refused.Output.Contains("it answered 500", StringComparison.Ordinal), refused.ToString());
    }

    static (string?, string?, string?, string?) Shape(Post post) => (
        post.Body.GetProperty("event").GetString(), post.Body.GetProperty("rule").GetString(), post.Body.GetProperty("subject").GetString(),
        post.Body.GetProperty("severity").GetString());

    /// <summary>By the very lines that the documentation gives to receivers.</summary>
    static async Task Verified(Post post)
    {
        var code = Snippet().Match(await File.ReadAllTextAsync(Path.Combine(Executable.Root, "docs", "alerts.md"), Cancel)).Groups[1].Value;
        var program = $"{code}\nimport sys\nbody = sys.stdin.buffer.read()\nprint(is_ours(sys.argv[1], body, sys.argv[2].encode()), is_ours(sys.argv[1], body + b' ', sys.argv[2].encode()))";
        var result = (await Command.RunAsync("/usr/bin/python3", ["-c", program, post.Signature, Secret], Cancel, post.Text)).Succeeded("Python");
        Assert.Equal("True False", result.Output.Trim());
    }

    static async Task SendAsync(string local, int port, TestAuthority authority)
    {
        await using var client = await RawSmtp.OpenTlsAsync(port, authority.Root, Gateway, Cancel);
        var content = Encoding.ASCII.GetBytes($"Subject: {local}\r\nFrom: <a@origin.test>\r\n\r\nhello\r\n");
        Assert.Equal(250, (await client.SendMessageAsync("a@origin.test", [$"{local}@{Domain}"], content, Cancel)).Code);
    }

    static IPEndPoint Address(int last, int port) => new(new IPAddress([127, 0, 77, (byte)last]), port);

    static object Configuration(TestDirectory directory, TestAuthority authority, int port, IPEndPoint next, string hook)
    {
        var certificate = authority.Issue(Gateway);
        string[] relayFrom = ["127.0.0.0/8"];
        string[] to = ["postmaster@gateway.test"];
        int[] retryMinutes = [60];
        return new
        {
            Hostname = Gateway,
            DataDirectory = directory["data"],
            Listeners = new[] { new { Name = "mx", Endpoint = $"127.0.0.1:{port}", Mode = "StartTlsRequired" } },
            Certificates = new[] { new { certificate.Chain, certificate.Key } },
            RelayFrom = relayFrom,
            Domains = new Dictionary<string, object>
            {
                [Gateway] = new { Maildir = directory["postmaster"] },
                [Domain] = new { NextHop = $"{next}" },
            },
            Outbound = new { IdleSeconds = 0, RetryMinutes = retryMinutes },
            Alerts = new
            {
                MinimumSeverity = "Critical",
                DiskPercent = 0,
                CertificateDays = 1,
                Webhooks = new[] { new { Url = hook, SecretFile = directory.Write("secret", Secret + "\n") } },
                Mail = new { From = "hopseal@gateway.test", To = to },
            },
        };
    }

    [GeneratedRegex("(?s)```python\n(.*?)```")]
    private static partial Regex Snippet();

    sealed record Post(string Signature, string Text)
    {
        public JsonElement Body { get; } = JsonDocument.Parse(Text).RootElement;
    }

    /// <summary>A web server that takes notices.</summary>
    sealed class Hook : IAsyncDisposable
    {
        readonly HttpListener _listener = new();
        readonly ConcurrentQueue<Post> _posts = [];
        readonly Task _serving;

        public Hook()
        {
            Url = $"http://127.0.0.1:{Ports.Next()}/hook/";
            _listener.Prefixes.Add(Url);
            _listener.Start();
            _serving = ServeAsync();
        }

        public string Url { get; }

        public int Status { get; set; } = 204;

        /// <summary>The latest, when there are so many: no more, no less.</summary>
        public async Task<Post> GotAsync(int count, Func<string> story, CancellationToken cancel)
        {
            await Eventually.TrueAsync($"notice {count}", s_limit, () => _posts.Count >= count, story, cancel);
            Assert.True(_posts.Count == count, string.Join('\n', _posts.Select(post => post.Text)));
            return _posts.Last();
        }

        public async ValueTask DisposeAsync()
        {
            _listener.Close();
            await _serving;
        }

        async Task ServeAsync()
        {
            try
            {
                while (true)
                {
                    var context = await _listener.GetContextAsync();
                    using var reader = new StreamReader(context.Request.InputStream, Encoding.UTF8);
                    var text = await reader.ReadToEndAsync(CancellationToken.None);
                    _posts.Enqueue(new Post(context.Request.Headers["Hopseal-Signature"] ?? "", text));
                    context.Response.StatusCode = Status;
                    context.Response.Close();
                }
            }
            catch (Exception e) when (e is HttpListenerException or ObjectDisposedException)
            {
                // Closed.
            }
        }
    }
}
