using System.Net;
using System.Net.Security;
using System.Security.Authentication;
using System.Threading.RateLimiting;
using Hopseal.Dns;
using Hopseal.Reports.Tlsrpt.Receiving;
using Hopseal.Smtp.Tls;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging;
using BadHttpRequestException = Microsoft.AspNetCore.Http.BadHttpRequestException;

namespace Hopseal;

/// <summary>Takes TLS reports by HTTPS (RFC 8460 §5.4): POST to <c>https://HOST/tlsrpt</c>. Anybody may send one, and nobody stands for what comes so; it is
/// answered with 200 once it is kept.</summary>
sealed partial class ReportPostServer : IAsyncDisposable
{
    public const string Path = "/tlsrpt";

    const int MostConnections = 100;
    const int MostConnectionsOfNetwork = 20;

    /// <summary>Bodies held at once; each has at most <see cref="MostOctets"/>.</summary>
    const int MostAtOnce = 16;

    const int MostAtOnceOfNetwork = 2;

    const int MostOctets = 4 * 1024 * 1024;

    /// <summary>From one network in a minute; a reporter sends one a day for each domain.</summary>
    const int MostOfNetwork = 60;

    static readonly TimeSpan s_patience = TimeSpan.FromSeconds(10);

    /// <summary>For a whole body, however slowly it comes.</summary>
    static readonly TimeSpan s_bodyPatience = TimeSpan.FromSeconds(30);

    readonly WebApplication _application;
    readonly ReportIntake _intake;
    readonly ILogger _log;
    readonly SemaphoreSlim _places = new(MostAtOnce);
    readonly PartitionedRateLimiter<IPAddress> _concurrency = PartitionedRateLimiter.Create<IPAddress, IPAddress>(
        address => RateLimitPartition.GetConcurrencyLimiter(
            NetworkOf(address), _ => new ConcurrencyLimiterOptions { PermitLimit = MostAtOnceOfNetwork, QueueLimit = 0 }));

    readonly PartitionedRateLimiter<IPAddress> _rate = PartitionedRateLimiter.Create<IPAddress, IPAddress>(
        address => RateLimitPartition.GetFixedWindowLimiter(
            NetworkOf(address), _ => new FixedWindowRateLimiterOptions { PermitLimit = MostOfNetwork, Window = TimeSpan.FromMinutes(1), QueueLimit = 0 }));

    ReportPostServer(IPEndPoint endpoint, ReportIntake intake, ServerCertificates certificates, SslProtocols protocols, ILoggerFactory logs)
    {
        _intake = intake;
        _log = logs.CreateLogger<ReportPostServer>();

        var builder = WebHosting.CreateBuilder(logs);
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel =>
        {
            Limit(kestrel);
            kestrel.Listen(endpoint, listen =>
            {
                listen.Protocols = HttpProtocols.Http1;
                new NetworkPlaces(MostConnectionsOfNetwork).Guard(listen);
                listen.UseHttps(new TlsHandshakeCallbackOptions
                {
                    HandshakeTimeout = s_patience,
                    OnConnection = hello => ValueTask.FromResult(TlsOf(hello.ClientHelloInfo.ServerName, certificates, protocols)),
                });
            });
        });
        _application = builder.Build();
        _application.Run(AnswerAsync);
    }

    /// <summary>Where it listens.</summary>
    public IPEndPoint Endpoint => WebHosting.EndpointOf(_application);

    /// <exception cref="GatewayStartException">It cannot listen there.</exception>
    public static async Task<ReportPostServer> StartAsync(
        IPEndPoint endpoint, ReportIntake intake, ServerCertificates certificates, SslProtocols protocols, ILoggerFactory logs)
    {
        var server = new ReportPostServer(endpoint, intake, certificates, protocols, logs);
        return await WebHosting.StartAsync(server, server._application, "TlsReports", endpoint);
    }

    public async ValueTask DisposeAsync()
    {
        await WebHosting.StopAsync(_application, s_patience);
        await _rate.DisposeAsync();
        await _concurrency.DisposeAsync();
        _places.Dispose();
    }

    static void Limit(KestrelServerOptions kestrel)
    {
        kestrel.AddServerHeader = false;
        kestrel.Limits.MaxConcurrentConnections = MostConnections;
        kestrel.Limits.MaxRequestBodySize = MostOctets;
        kestrel.Limits.MinRequestBodyDataRate = new MinDataRate(1024, s_patience);
        kestrel.Limits.MaxRequestHeaderCount = 50;
        kestrel.Limits.MaxRequestHeadersTotalSize = 16 * 1024;
        kestrel.Limits.MaxRequestLineSize = 4 * 1024;
        kestrel.Limits.RequestHeadersTimeout = s_patience;
        kestrel.Limits.KeepAliveTimeout = s_patience;
    }

    static SslServerAuthenticationOptions TlsOf(string serverName, ServerCertificates certificates, SslProtocols protocols) =>
        DomainName.TryParse(serverName, out var name) && certificates.ContextFor(name) is { } context
            ? WebHosting.Tls(context, protocols)
            : throw new AuthenticationException("no certificate for the name that was asked for");

    /// <summary>An IPv6 client has a /64 to itself.</summary>
    static IPAddress NetworkOf(IPAddress address)
    {
        if (address.IsIPv4MappedToIPv6)
        {
            return address.MapToIPv4();
        }

        var octets = address.GetAddressBytes();
        if (octets.Length == 16)
        {
            octets.AsSpan(8).Clear();
        }

        return new IPAddress(octets);
    }

    async Task AnswerAsync(HttpContext context)
    {
        var (status, text) = await AnswerAsync(context.Request, context.Connection.RemoteIpAddress ?? IPAddress.None, context.RequestAborted);
        context.Response.StatusCode = status;
        context.Response.ContentType = "text/plain; charset=utf-8";
        context.Response.Headers.CacheControl = "no-store";
        if (status is StatusCodes.Status429TooManyRequests or StatusCodes.Status503ServiceUnavailable)
        {
            context.Response.Headers.RetryAfter = "600";
        }

        await context.Response.WriteAsync($"{text}\n", context.RequestAborted);
    }

    async Task<(int Status, string Text)> AnswerAsync(HttpRequest request, IPAddress client, CancellationToken cancel)
    {
        if (request.Path.Value is not Path)
        {
            return (StatusCodes.Status404NotFound, "there is nothing here");
        }

        if (!HttpMethods.IsPost(request.Method))
        {
            return (StatusCodes.Status405MethodNotAllowed, "reports are sent here by POST");
        }

        // What is in it counts, and many call it otherwise; what a form of a web page sends is none.
        if (request.ContentType?.StartsWith("application/", StringComparison.OrdinalIgnoreCase) is not true
            || request.ContentType.StartsWith("application/x-www-form-urlencoded", StringComparison.OrdinalIgnoreCase))
        {
            return (StatusCodes.Status415UnsupportedMediaType, "a report is application/tlsrpt+gzip or application/tlsrpt+json");
        }

        using var one = _concurrency.AttemptAcquire(client);
        using var rate = _rate.AttemptAcquire(client);
        if (!one.IsAcquired || !rate.IsAcquired)
        {
            return (StatusCodes.Status429TooManyRequests, "too many reports from this network");
        }

        if (!await _places.WaitAsync(TimeSpan.Zero, cancel))
        {
            return (StatusCodes.Status503ServiceUnavailable, "too many reports at once");
        }

        try
        {
            return await TakeAsync(request, client, cancel);
        }
        finally
        {
            _places.Release();
        }
    }

    async Task<(int Status, string Text)> TakeAsync(HttpRequest request, IPAddress client, CancellationToken cancel)
    {
        try
        {
            using var body = new MemoryStream();
            using (var limit = CancellationTokenSource.CreateLinkedTokenSource(cancel))
            {
                limit.CancelAfter(s_bodyPatience);
                await request.Body.CopyToAsync(body, limit.Token);
            }

            var from = client.IsIPv4MappedToIPv6 ? client.MapToIPv4() : client;
            var taken = await _intake.TakeBodyAsync(body.GetBuffer().AsMemory(0, (int)body.Length), from.ToString(), cancel);
            return taken switch
            {
                TakenReport.Stored => (StatusCodes.Status200OK, "taken"),
                TakenReport.KnownAlready => (StatusCodes.Status200OK, "taken before"),
                TakenReport.PutAside aside => (StatusCodes.Status400BadRequest, aside.Why),
                TakenReport.Refused refused => (StatusCodes.Status429TooManyRequests, refused.Why),
                _ => throw new InvalidOperationException($"unknown result {taken}"),
            };
        }
        catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
        {
            return (StatusCodes.Status408RequestTimeout, "the report came too slowly");
        }
        catch (BadHttpRequestException e)
        {
            return (e.StatusCode, "the request cannot be read");
        }
        catch (SqliteException e)
        {
            LogNotKept(_log, e, client);
            return (StatusCodes.Status503ServiceUnavailable, "it cannot be kept now");
        }
    }

    [LoggerMessage(2906, LogLevel.Error, "A TLS report by HTTPS from {Client} could not be kept; its sender was told to come again")]
    static partial void LogNotKept(ILogger log, Exception e, IPAddress client);
}
