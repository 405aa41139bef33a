using System.Net;
using Hopseal.Dashboard.Web;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Logging;
using OpenTelemetry.Metrics;

namespace Hopseal;

/// <summary>Shows metrics to Prometheus: <c>GET /metrics</c>, and nothing else. Bounded in connections and in time, so that a slow or silent scraper costs
/// one place of few, for seconds; sessions never wait for any.</summary>
sealed class MetricsServer : IAsyncDisposable
{
    const string Path = "/metrics";
    const int MostConnections = 16;

    static readonly TimeSpan s_patience = TimeSpan.FromSeconds(10);

    readonly WebApplication _application;

    MetricsServer(IPEndPoint endpoint, string hostname, MeterProvider provider, ILoggerFactory logs)
    {
        var builder = WebHosting.CreateBuilder(logs);
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel =>
        {
            Limit(kestrel);
            kestrel.Listen(endpoint, listen => listen.Protocols = HttpProtocols.Http1);
        });
        _application = builder.Build();
        if (IPAddress.IsLoopback(endpoint.Address))
        {
            // Where everybody may ask, the operator said so, and any name may lead there.
            var names = new OwnNames([hostname]);
            _application.Use((context, next) => names.Hold(context.Request.Host) ? next(context) : RefuseAsync(context));
        }

        _application.UseOpenTelemetryPrometheusScrapingEndpoint(
            provider,
            context => HttpMethods.IsGet(context.Request.Method) && context.Request.Path == Path,
            path: null,
            configureBranchedPipeline: null,
            optionsName: null);
        _application.Run(context =>
        {
            context.Response.StatusCode = StatusCodes.Status404NotFound;
            return Task.CompletedTask;
        });
    }

    /// <summary>Where it listens.</summary>
    public IPEndPoint Endpoint => WebHosting.EndpointOf(_application);

    /// <param name="hostname">Our own, by which it may be asked as well.</param>
    /// <param name="provider">With the exporter for Prometheus.</param>
    /// <exception cref="GatewayStartException">It cannot listen there.</exception>
    public static async Task<MetricsServer> StartAsync(IPEndPoint endpoint, string hostname, MeterProvider provider, ILoggerFactory logs)
    {
        var server = new MetricsServer(endpoint, hostname, provider, logs);
        return await WebHosting.StartAsync(server, server._application, "Metrics", endpoint);
    }

    public async ValueTask DisposeAsync()
    {
        await WebHosting.StopAsync(_application, s_patience);
    }

    static Task RefuseAsync(HttpContext context)
    {
        context.Response.StatusCode = StatusCodes.Status421MisdirectedRequest;
        return Task.CompletedTask;
    }

    static void Limit(KestrelServerOptions kestrel)
    {
        kestrel.AddServerHeader = false;
        kestrel.Limits.MaxConcurrentConnections = MostConnections;
        kestrel.Limits.MaxRequestBodySize = 0;
        kestrel.Limits.MaxRequestHeaderCount = 50;
        kestrel.Limits.MaxRequestHeadersTotalSize = 16 * 1024;
        kestrel.Limits.MaxRequestLineSize = 4 * 1024;
        kestrel.Limits.RequestHeadersTimeout = s_patience;
        kestrel.Limits.MinResponseDataRate = new MinDataRate(bytesPerSecond: 1024, gracePeriod: TimeSpan.FromSeconds(5));

        // Prometheus asks every 15 to 60 seconds, and keeps its connection.
        kestrel.Limits.KeepAliveTimeout = TimeSpan.FromMinutes(2);
    }
}
