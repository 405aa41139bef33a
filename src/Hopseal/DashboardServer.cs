using System.Net;
using System.Net.Security;
using System.Security.Authentication;
using Hopseal.Configuration;
using Hopseal.Dashboard;
using Hopseal.Dns;
using Hopseal.Smtp.Tls;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.Extensions.Logging;

namespace Hopseal;

/// <summary>Listens for the dashboard: plain HTTP on loopback, HTTPS with the certificates of the listeners anywhere else.</summary>
sealed class DashboardServer : IAsyncDisposable
{
    const int MostConnections = 200;
    const int MostCircuits = 50;
    const long MostRequestOctets = 64 * 1024;

    static readonly TimeSpan s_patience = TimeSpan.FromSeconds(10);

    readonly WebApplication _application;
    readonly bool _https;

    DashboardServer(GatewayConfiguration configuration, DashboardSettings settings, GatewayView view, ServerCertificates certificates, ILoggerFactory logs)
    {
        _https = settings.Https;
        var builder = WebHosting.CreateBuilder(logs);
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel =>
        {
            Limit(kestrel);
            kestrel.Listen(settings.Endpoint, endpoint =>
            {
                endpoint.Protocols = HttpProtocols.Http1;
                if (_https)
                {
                    endpoint.UseHttps(new TlsHandshakeCallbackOptions
                    {
                        HandshakeTimeout = s_patience,
                        OnConnection = hello => ValueTask.FromResult(TlsOf(hello.ClientHelloInfo.ServerName, certificates, configuration.Tls.Protocols)),
                    });
                }
            });
        });
        DashboardWeb.AddTo(builder, view, new DashboardOptions
        {
            Names = [configuration.Hostname.Ascii, .. settings.Names],
            Users = settings.Users,
            KeyDirectory = Path.Combine(configuration.DataDirectory, "dashboard-keys"),
        });
        _application = builder.Build();
        DashboardWeb.Map(_application);
    }

    /// <summary>For a browser on this machine.</summary>
    public Uri Address
    {
        get
        {
            var endpoint = WebHosting.EndpointOf(_application);
            var address = endpoint.Address.Equals(IPAddress.Any) ? IPAddress.Loopback
                : endpoint.Address.Equals(IPAddress.IPv6Any) ? IPAddress.IPv6Loopback
                : endpoint.Address;
            return new Uri($"{(_https ? "https" : "http")}://{new IPEndPoint(address, endpoint.Port)}/");
        }
    }

    /// <param name="configuration">With a dashboard.</param>
    /// <exception cref="GatewayStartException">It cannot listen there, or keep its keys.</exception>
    public static async Task<DashboardServer> StartAsync(
        GatewayConfiguration configuration, GatewayView view, ServerCertificates certificates, ILoggerFactory logs)
    {
        var settings = configuration.Dashboard!;
        try
        {
            var server = new DashboardServer(configuration, settings, view, certificates, logs);
            return await WebHosting.StartAsync(server, server._application, "Dashboard", settings.Endpoint);
        }
        catch (UnauthorizedAccessException e)
        {
            throw new GatewayStartException($"the dashboard cannot keep its keys: {e.Message}", e);
        }
    }

    public async ValueTask DisposeAsync()
    {
        // Browsers that are connected are not waited for.
        await WebHosting.StopAsync(_application, TimeSpan.FromMilliseconds(500));
    }

    static void Limit(KestrelServerOptions kestrel)
    {
        kestrel.AddServerHeader = false;
        kestrel.Limits.MaxConcurrentConnections = MostConnections;
        kestrel.Limits.MaxConcurrentUpgradedConnections = MostCircuits;
        kestrel.Limits.MaxRequestBodySize = MostRequestOctets;
        kestrel.Limits.MaxRequestHeaderCount = 100;
        kestrel.Limits.MaxRequestHeadersTotalSize = 32 * 1024;
        kestrel.Limits.MaxRequestLineSize = 8 * 1024;
        kestrel.Limits.RequestHeadersTimeout = s_patience;
        kestrel.Limits.KeepAliveTimeout = TimeSpan.FromMinutes(1);
    }

    static SslServerAuthenticationOptions TlsOf(string serverName, ServerCertificates certificates, SslProtocols protocols) =>
        certificates.ContextShownFor(DomainName.TryParse(serverName, out var name) ? name : null) is { } context
            ? WebHosting.Tls(context, protocols)
            : throw new AuthenticationException("no certificate can be used");
}
