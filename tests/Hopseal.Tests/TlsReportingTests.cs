using System.IO.Compression;
using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using Hopseal.Configuration;
using Hopseal.Dns;
using Hopseal.Reports.Store;
using Hopseal.Reports.Tlsrpt;
using Hopseal.Reports.Tlsrpt.Sending;
using Hopseal.Tests.Commands;
using MailKit.Net.Smtp;
using MailKit.Security;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using MimeKit;
using MimeKit.Cryptography;

namespace Hopseal.Tests;

/// <summary>One gateway sends mail to another, and reports on it: by mail to that gateway, and by HTTPS to a web server.</summary>
public sealed class TlsReportingTests : IDisposable
{
    const string Receiver = "kept.test";
    static readonly TimeSpan s_look = TimeSpan.FromMilliseconds(50);
    static readonly TimeSpan s_limit = TimeSpan.FromSeconds(60);

    readonly Workspace _sender = new();
    readonly Workspace _receiver = new();

    static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public void Dispose()
    {
        _sender.Dispose();
        _receiver.Dispose();
    }

    [Fact(Timeout = 120_000)]
    public async Task What_a_gateway_met_is_reported_by_mail_and_by_HTTPS()
    {
        var cancel = TestContext.Current.CancellationToken;
        using var certificate = _sender.WriteCertificate("reports", "reports.test");
        var posted = new TaskCompletionSource<(string? Type, byte[] Body)>(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var site = await PostSiteAsync(certificate, posted);
        await using var receiver = await Gateway.StartAsync(
            LocalMode.Prepare(_receiver.Directory, new LocalPorts(0, 0, 0, 0), TimeProvider.System), NullLoggerFactory.Instance, TimeProvider.System);
        var zone = ZoneResolver.Parse(
            $"""
            {Receiver} MX 10 mx.{Receiver}
            mx.{Receiver} A 127.0.0.1
            reports.test A 127.0.0.1
            _smtp._tls.{Receiver} TXT v=TLSRPTv1\;rua=mailto:tls@{Receiver},https://reports.test:{PortOf(site)}/tlsrpt
            """);
        await using var gateway = await StartSenderAsync(zone, receiver.Endpoints[0].Port);

        await SendAsync(gateway.Endpoints[0]);
        var sent = await ReportAsync("send", "--day", "today");
        Assert.Equal($"{TimeProvider.System.GetUtcNow():yyyy-MM-dd} {Receiver}: 1 good, 0 failed: made as 1\n", sent);

        // By HTTPS.
        var (type, body) = await posted.Task.WaitAsync(s_limit, cancel);
        Assert.Equal("application/tlsrpt+gzip", type);
        var report = Report(body);
        Assert.Equal(("Sender Org", "tls@sender.test"), (report.Organization, report.Contact));
        var policy = Assert.Single(report.Policies);
        Assert.Equal((PolicyKind.NoPolicyFound, Receiver, 1L, 0L), (policy.Kind.Known, policy.Domain, policy.Successful, policy.Failed));

        // By mail, signed: the message of the beginning came first.
        using var mail = await MailAsync();
        Assert.True(Verifies(mail), "the signature does not fit");
        var attachment = Assert.IsType<MimePart>(Assert.Single(mail.Attachments));
        using var attached = new MemoryStream();
        await attachment.Content!.DecodeToAsync(attached, Cancel);
        Assert.Equal(report.Id, Report(attached.ToArray()).Id);

        // Sessions that carry reports are no subject of the next one.
        await ListedAsync("\"State\":\"Sent\"", "\"mailto:tls@kept.test\",\"state\":\"Sent\"");
        Assert.Equal("", await ReportAsync("send", "--day", "today", "--dry-run"));
        Assert.Contains(report.Id!, await ReportAsync("show", "1", "--json"), StringComparison.Ordinal);
        Assert.Contains("has it since", await ReportAsync("show", "1"), StringComparison.Ordinal);
    }

    /// <summary>Both ends are gateways: what one sends, the other takes in and shows. By mail its signature stands for it; by HTTPS nobody does.</summary>
    [Theory(Timeout = 120_000)]
    [InlineData("mailto:tls@kept.test", true)]
    [InlineData("https", false)]
    public async Task What_one_gateway_reports_another_takes_in(string to, bool verified)
    {
        var cancel = TestContext.Current.CancellationToken;
        using var certificate = _sender.WriteCertificate("reports", "reports.test");
        var post = FreePort();
        using var key = RSA.Create(2048);
        var zone = ZoneResolver.Parse(
            $"""
            {Receiver} MX 10 mx.{Receiver}
            mx.{Receiver} A 127.0.0.1
            reports.test A 127.0.0.1
            _smtp._tls.{Receiver} TXT v=TLSRPTv1\;rua={(to == "https" ? $"https://reports.test:{post}/tlsrpt" : to)}
            tlsrpt._domainkey.sender.test TXT v=DKIM1\;p={Convert.ToBase64String(key.ExportSubjectPublicKeyInfo())}
            """);
        await using var receiver = await StartReceiverAsync(zone, post);
        await using var gateway = await StartSenderAsync(zone, receiver.Endpoints[0].Port, key);

        await SendAsync(gateway.Endpoints[0]);
        await ReportAsync("send", "--day", "today").WaitAsync(cancel);

        var head = await ReceivedAsync();
        Assert.Equal(("Sender Org", Receiver, 1L, 0L), (head.GetProperty("organization").GetString(), head.GetProperty("domain").GetString(), head.GetProperty("successful").GetInt64(), head.GetProperty("failed").GetInt64()));
        Assert.Equal(verified, (await CommandRun.OfAsync(_receiver.Directory, ["report", "received", "--json", "--verified", "--config", "receiver.json"])).Out.Length > 0);
    }

    [Fact(Timeout = 60_000)]
    public async Task What_was_counted_when_a_gateway_stops_is_reported_by_the_next_one()
    {
        var cancel = TestContext.Current.CancellationToken;
        await using var receiver = await Gateway.StartAsync(
            LocalMode.Prepare(_receiver.Directory, new LocalPorts(0, 0, 0, 0), TimeProvider.System), NullLoggerFactory.Instance, TimeProvider.System);
        using var certificate = _sender.WriteCertificate("reports", "reports.test");
        var zone = ZoneResolver.Parse($"{Receiver} MX 10 mx.{Receiver}\nmx.{Receiver} A 127.0.0.1\n");
        await using (var gateway = await StartSenderAsync(zone, receiver.Endpoints[0].Port))
        {
            await SendAsync(gateway.Endpoints[0]);
            while (await gateway.CountMessagesAsync(cancel) > 0)
            {
                await Task.Delay(s_look, TimeProvider.System, cancel);
            }
        }

        var tomorrow = DateOnly.FromDateTime(TimeProvider.System.GetUtcNow().UtcDateTime).AddDays(1);
        var sum = Assert.Single(SentReports.OfFile(Path.Combine(Data, RecordsDatabase.FileName)).Unreported(tomorrow));
        Assert.Equal((Receiver, 1L, 0L), (sum.Domain, sum.Successful, sum.Failed));
    }

    [Fact]
    public async Task A_gateway_that_reports_nothing_says_so()
    {
        await using var gateway = await Gateway.StartAsync(
            LocalMode.Prepare(_sender.Directory, new LocalPorts(0, 0, 0, 0), TimeProvider.System), NullLoggerFactory.Instance, TimeProvider.System);
        var run = await RunAsync("send");
        Assert.Equal((3, "hopseal: this gateway sends no TLS reports: TlsReports.Send is not configured, or not enabled\n"), (run.ExitCode, run.Error));
    }

    [Fact]
    public async Task Without_a_gateway_nothing_can_be_sent()
    {
        Directory.CreateDirectory(Data);
        var run = await RunAsync("send");
        Assert.Equal((3, "hopseal: no gateway runs there, and it is the gateway that sends reports\n"), (run.ExitCode, run.Error));
    }

    string Data => Path.Combine(_sender.Directory, LocalMode.DirectoryName);

    async Task<JsonElement> ReceivedAsync()
    {
        while (true)
        {
            var run = await CommandRun.OfAsync(_receiver.Directory, ["report", "received", "--json", "--config", "receiver.json"]);
            Assert.True(run.ExitCode is 0 or 1, run.Error);
            if (run.Out.Length > 0)
            {
                return JsonDocument.Parse(run.Out).RootElement;
            }

            await Task.Delay(s_look, TimeProvider.System, Cancel);
        }
    }

    async Task<Gateway> StartReceiverAsync(IDnsResolver zone, int post)
    {
        File.Copy(_sender.PathOf("reports.pem"), _receiver.PathOf("reports.pem"));
        File.Copy(_sender.PathOf("reports.key"), _receiver.PathOf("reports.key"));
        _receiver.Write(
            "receiver.json",
            $$"""
            { "Hostname": "mx.kept.test", "DataDirectory": "data", "Listeners": [ { "Name": "mx", "Endpoint": "127.0.0.1:25", "Mode": "StartTls" } ],
              "Certificates": [ { "Chain": "reports.pem", "Key": "reports.key" } ], "MxNames": [], "Domains": { "{{Receiver}}": { "Maildir": "mail" } },
              "TlsReports": { "Receive": { "Mailboxes": [ "tls@{{Receiver}}" ], "Endpoint": "127.0.0.1:{{post}}" } } }
            """);
        return await StartAsync(_receiver, "receiver.json", zone);
    }

    static int FreePort()
    {
        using var listener = new System.Net.Sockets.TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    static async Task<Gateway> StartAsync(Workspace workspace, string file, IDnsResolver zone)
    {
        var result = ConfigurationFile.Load(file, workspace.Directory, [], TimeProvider.System);
        var usable = result is ConfigurationResult.Faulty faulty ? throw new InvalidOperationException(string.Join('\n', faulty.Faults)) : (ConfigurationResult.Usable)result;
        var any = usable.Configuration with { Listeners = [.. usable.Configuration.Listeners.Select(listener => listener with { Endpoint = new IPEndPoint(IPAddress.Loopback, 0) })] };
        return await Gateway.StartAsync(any, NullLoggerFactory.Instance, TimeProvider.System, zone);
    }

    async Task<Gateway> StartSenderAsync(IDnsResolver zone, int port, RSA? signing = null)
    {
        using var own = RSA.Create(2048);
        var key = signing ?? own;
        _sender.WriteSecret("tlsrpt.pem", key.ExportPkcs8PrivateKeyPem());
        _sender.Write("key.pub", Convert.ToBase64String(key.ExportSubjectPublicKeyInfo()));
        _sender.WriteCertificate("own");
        _sender.Write(
            "sender.json",
            $$"""
            { "Hostname": "mx.sender.test", "DataDirectory": "{{Data}}", "Listeners": [ { "Name": "mx", "Endpoint": "127.0.0.1:25", "Mode": "StartTls" } ],
              "RelayFrom": [ "127.0.0.1" ], "Outbound": { "Port": {{port}}, "IdleSeconds": 0 }, "Trust": { "Roots": [ "reports.pem" ] }, "Dns": { "HealthMinutes": 0 },
              "TlsReports": { "Send": { "Organization": "Sender Org", "Contact": "tls@sender.test", "Dkim": { "Selector": "tlsrpt", "KeyFile": "tlsrpt.pem" } } } }
            """);
        return await StartAsync(_sender, "sender.json", zone);
    }

    static async Task SendAsync(IPEndPoint endpoint)
    {
        using var client = new SmtpClient();
        await client.ConnectAsync("127.0.0.1", endpoint.Port, SecureSocketOptions.None, Cancel);
        using var message = new MimeMessage { Subject = "hello", Body = new TextPart("plain") { Text = "This is a test." } };
        message.From.Add(MailboxAddress.Parse("you@sender.test"));
        message.To.Add(MailboxAddress.Parse($"me@{Receiver}"));
        await client.SendAsync(message, Cancel);
        await client.DisconnectAsync(true, Cancel);
    }

    /// <summary>What the command prints once it prints something: the session is counted a moment after the message is there.</summary>
    async Task<string> ReportAsync(params string[] arguments)
    {
        var waits = arguments is ["send", ..] && !arguments.Contains("--dry-run");
        while (true)
        {
            var run = await RunAsync(arguments);
            Assert.True(run.ExitCode is 0 or 1, run.Error);
            if (run.Out.Length > 0 || !waits)
            {
                return run.Out;
            }

            await Task.Delay(s_look, TimeProvider.System, Cancel);
        }
    }

    async Task ListedAsync(params string[] texts)
    {
        while (true)
        {
            var run = await RunAsync("list", "--json");
            if (texts.All(text => run.Out.Contains(text, StringComparison.OrdinalIgnoreCase)))
            {
                return;
            }

            await Task.Delay(s_look, TimeProvider.System, Cancel);
        }
    }

    Task<CommandRun> RunAsync(params string[] arguments)
    {
        _sender.Write("data.json", $$"""{ "DataDirectory": "{{Data}}" }""");
        return CommandRun.OfAsync(_sender.Directory, ["report", .. arguments, "--config", "data.json"]);
    }

    async Task<MimeMessage> MailAsync()
    {
        var directory = Path.Combine(LocalMode.MaildirOf(Path.Combine(_receiver.Directory, LocalMode.DirectoryName)), "new");
        while (true)
        {
            foreach (var file in Directory.Exists(directory) ? Directory.GetFiles(directory) : [])
            {
                var message = await MimeMessage.LoadAsync(file, Cancel);
                if (message.Headers["TLS-Report-Domain"] == Receiver)
                {
                    return message;
                }

                message.Dispose();
            }

            await Task.Delay(s_look, TimeProvider.System, Cancel);
        }
    }

    bool Verifies(MimeMessage message)
    {
        var key = File.ReadAllText(_sender.PathOf("key.pub"));
        var verifier = new DkimVerifier(new OneKey(key));
        return verifier.Verify(message, message.Headers[message.Headers.IndexOf(HeaderId.DkimSignature)], Cancel);
    }

    static TlsReport Report(byte[] packed)
    {
        using var gzip = new GZipStream(new MemoryStream(packed), CompressionMode.Decompress);
        using var json = new MemoryStream();
        gzip.CopyTo(json);
        return Assert.IsType<ReadReport.Accepted>(TlsReportReader.Read(json.ToArray())) is { Warnings: [], Report: var report } ? report : throw new InvalidDataException("it is read with warnings");
    }

    static async Task<WebApplication> PostSiteAsync(X509Certificate2 certificate, TaskCompletionSource<(string? Type, byte[] Body)> posted)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().UseKestrelHttpsConfiguration().ConfigureKestrel(options => options.Listen(IPAddress.Loopback, 0, listen => listen.UseHttps(certificate)));
        var site = builder.Build();
        site.Run(async context =>
        {
            using var body = new MemoryStream();
            await context.Request.Body.CopyToAsync(body, context.RequestAborted);
            context.Response.StatusCode = context.Request.Path == "/tlsrpt" ? StatusCodes.Status201Created : StatusCodes.Status404NotFound;
            posted.TrySetResult((context.Request.ContentType, body.ToArray()));
        });
        await site.StartAsync(Cancel);
        return site;
    }

    static int PortOf(WebApplication site) =>
        new Uri(site.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single()).Port;

    sealed class OneKey(string key) : DkimPublicKeyLocatorBase
    {
        public override Org.BouncyCastle.Crypto.AsymmetricKeyParameter LocatePublicKey(string methods, string domain, string selector, CancellationToken cancellationToken = default) =>
            (domain, selector) == ("sender.test", "tlsrpt") ? GetPublicKey($"v=DKIM1; s=tlsrpt; p={key}") : throw new InvalidOperationException($"who is {selector} of {domain}?");

        public override Task<Org.BouncyCastle.Crypto.AsymmetricKeyParameter> LocatePublicKeyAsync(string methods, string domain, string selector, CancellationToken cancellationToken = default) =>
            Task.FromResult(LocatePublicKey(methods, domain, selector, cancellationToken));
    }
}
