using System.Net;
using System.Net.Sockets;
using Hopseal.Configuration;
using Hopseal.Dns;
using MailKit.Net.Smtp;
using MailKit.Security;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using MimeKit;
using OpenTelemetry.Exporter;

namespace Hopseal.Tests.Parts;

/// <summary>Whom the gateway's numbers reach, and that nobody who takes them slowly is waited for.</summary>
public sealed class MeasuringTests : IDisposable
{
    static readonly TimeSpan s_limit = TimeSpan.FromSeconds(60);

    readonly Workspace _workspace = new();

    static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public void Dispose() => _workspace.Dispose();

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_collector_gets_what_the_gateway_counts(bool grpc)
    {
        await using var collector = new OtlpCollector(grpc, "hopseal.deliveries");
        await collector.StartAsync();
        await using (var gateway = await StartAsync(collector, grpc, NullLoggerFactory.Instance))
        {
            await SendAsync(gateway);
            await collector.Got.WaitAsync(s_limit, Cancel);
        }

        // What was counted last is sent when the gateway stops.
        Assert.Superset(
            new HashSet<string> { "hopseal.sessions", "hopseal.messages.received", "hopseal.queue.messages", "hopseal.queue.oldest.age", "dotnet.process.cpu.time" },
            collector.Names.ToHashSet());
    }

    [Fact]
    public async Task A_collector_that_takes_nothing_is_named_once_and_so_is_its_return()
    {
        await using var collector = new OtlpCollector(grpc: false, "hopseal.queue.messages", refusals: 2);
        await collector.StartAsync();
        var log = new ListLog<OtlpWatch>();
        using var logs = new OneLog<OtlpWatch>(log);
        await using (await StartAsync(collector, grpc: false, logs))
        {
            await collector.Got.WaitAsync(s_limit, Cancel);
        }

        Assert.Equal(
            [
                $"3201 Warning The OpenTelemetry collector {collector.Address}v1/metrics takes no metrics: it answers 503. Said once, until it does",
                $"3202 Information The OpenTelemetry collector {collector.Address}v1/metrics takes metrics again",
            ],
            log.Lines);
    }

    [Theory]
    [InlineData(OtlpExportProtocol.Grpc)]
    [InlineData(OtlpExportProtocol.HttpProtobuf)]
    public async Task A_collector_that_never_answers_holds_up_neither_mail_nor_the_end(OtlpExportProtocol protocol)
    {
        using var silent = new TcpListener(IPAddress.Loopback, 0);
        silent.Start();
        var settings = MetricsSettings.None with { Otlp = new Uri($"http://{silent.LocalEndpoint}"), Protocol = protocol, Interval = TimeSpan.FromSeconds(1) };
        await using (var gateway = await Gateway.StartAsync(Configuration(settings), NullLoggerFactory.Instance, TimeProvider.System))
        {
            using var export = await silent.AcceptTcpClientAsync(Cancel).AsTask().WaitAsync(s_limit, Cancel);
            await SendAsync(gateway);
        }
    }

    [Fact]
    public async Task Scrapers_that_read_nothing_hold_up_no_mail()
    {
        var port = FreePort();
        var settings = MetricsSettings.None with { Endpoint = new IPEndPoint(IPAddress.Loopback, port) };
        await using var gateway = await Gateway.StartAsync(Configuration(settings), NullLoggerFactory.Instance, TimeProvider.System);
        var scrapers = Enumerable.Range(0, 40).Select(_ => new TcpClient { ReceiveBufferSize = 1 }).ToList();
        try
        {
            foreach (var scraper in scrapers)
            {
                await scraper.ConnectAsync(IPAddress.Loopback, port, Cancel);
                await scraper.GetStream().WriteAsync("GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n"u8.ToArray(), Cancel);
            }

            await SendAsync(gateway);
        }
        finally
        {
            scrapers.ForEach(scraper => scraper.Dispose());
        }
    }

    [Theory]
    [InlineData("127.0.0.1", HttpStatusCode.OK)]
    [InlineData("localhost", HttpStatusCode.OK)]
    [InlineData("GATEWAY.example", HttpStatusCode.OK)]
    [InlineData("rebound.attacker.example", HttpStatusCode.MisdirectedRequest)]
    public async Task Metrics_of_this_machine_are_shown_by_its_own_names_only(string host, HttpStatusCode status)
    {
        var settings = MetricsSettings.None with { Endpoint = new IPEndPoint(IPAddress.Loopback, FreePort()) };
        await using var gateway = await Gateway.StartAsync(
            Configuration(settings) with { Hostname = DomainName.Parse("gateway.example") }, NullLoggerFactory.Instance, TimeProvider.System);
        using var client = new HttpClient();
        using var request = new HttpRequestMessage(HttpMethod.Get, $"http://{settings.Endpoint}/metrics") { Headers = { Host = host } };
        using var response = await client.SendAsync(request, Cancel);
        Assert.Equal((status, status is HttpStatusCode.OK), (response.StatusCode, (await response.Content.ReadAsStringAsync(Cancel)).Contains("hopseal_", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task A_port_that_is_taken_is_a_clear_fault()
    {
        using var taken = new TcpListener(IPAddress.Loopback, 0);
        taken.Start();
        var settings = MetricsSettings.None with { Endpoint = (IPEndPoint)taken.LocalEndpoint };
        var fault = await Assert.ThrowsAsync<GatewayStartException>(
            () => Gateway.StartAsync(Configuration(settings), NullLoggerFactory.Instance, TimeProvider.System));
        Assert.Equal($"Metrics cannot listen on {taken.LocalEndpoint}: another program does already", fault.Message);
    }

    Task<Gateway> StartAsync(OtlpCollector collector, bool grpc, ILoggerFactory logs) => Gateway.StartAsync(
        Configuration(MetricsSettings.None with
        {
            Otlp = grpc ? collector.Address : new Uri(collector.Address, "/v1/metrics"),
            Protocol = grpc ? OtlpExportProtocol.Grpc : OtlpExportProtocol.HttpProtobuf,
            Interval = TimeSpan.FromSeconds(1),
        }),
        logs,
        TimeProvider.System);

    GatewayConfiguration Configuration(MetricsSettings settings) =>
        LocalMode.Prepare(_workspace.Directory, new LocalPorts(0, 0, 0, 0), TimeProvider.System) with { Metrics = settings };

    static async Task SendAsync(Gateway gateway)
    {
        using var client = new SmtpClient();
        await client.ConnectAsync("127.0.0.1", gateway.Endpoints[0].Port, SecureSocketOptions.None, Cancel);
        var message = new MimeMessage { Subject = "hello", Body = new TextPart("plain") { Text = "This is a test." } };
        message.From.Add(MailboxAddress.Parse("you@example.org"));
        message.To.Add(MailboxAddress.Parse("me@example.net"));
        await client.SendAsync(message, Cancel);
        await client.DisconnectAsync(true, Cancel);
    }

    static int FreePort()
    {
        using var probe = new TcpListener(IPAddress.Loopback, 0);
        probe.Start();
        return ((IPEndPoint)probe.LocalEndpoint).Port;
    }
}
