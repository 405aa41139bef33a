using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Hopseal;

/// <summary>Web servers within the gateway: it starts and stops them, and they log as it does.</summary>
static class WebHosting
{
    /// <summary>Reads no configuration files and no variables, writes nothing to the console, and leaves signals alone.</summary>
    public static WebApplicationBuilder CreateBuilder(ILoggerFactory logs)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.Logging.SetMinimumLevel(LogLevel.Warning).AddProvider(new GatewaysLog(logs));
        builder.Services.AddSingleton<IHostLifetime, GatewaysLifetime>();
        return builder;
    }

    /// <summary>Starts one, or ends it.</summary>
    /// <param name="section">Of the configuration, which the operator has to look at.</param>
    /// <exception cref="GatewayStartException">It cannot listen there.</exception>
    public static async Task<T> StartAsync<T>(T server, WebApplication application, string section, IPEndPoint endpoint)
        where T : IAsyncDisposable
    {
        try
        {
            await application.StartAsync();
            return server;
        }
        catch (Exception e)
        {
            await server.DisposeAsync();
            if (e is IOException or SocketException)
            {
                throw new GatewayStartException($"{section} cannot listen on {endpoint}: {Describe(e)}", e);
            }

            throw;
        }
    }

    /// <param name="patience">For requests that are answered now.</param>
    public static async Task StopAsync(WebApplication application, TimeSpan patience)
    {
        using var now = new CancellationTokenSource(patience);
        await application.StopAsync(now.Token);
        await application.DisposeAsync();
    }

    /// <summary>One handshake, with this certificate.</summary>
    public static SslServerAuthenticationOptions Tls(SslStreamCertificateContext certificate, SslProtocols protocols) => new()
    {
        ServerCertificateContext = certificate,
#pragma warning disable CA5398 // the oldest version that may be spoken (RFC 8461 §7.2, RFC 9325 §3.1.1)
        EnabledSslProtocols = protocols is SslProtocols.None ? SslProtocols.Tls12 | SslProtocols.Tls13 : protocols,
#pragma warning restore CA5398
        AllowRenegotiation = false,
        CertificateRevocationCheckMode = X509RevocationMode.NoCheck,
    };

    /// <summary>Where one that was started listens.</summary>
    public static IPEndPoint EndpointOf(WebApplication application)
    {
        var address = application.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single();
        return IPEndPoint.Parse(new Uri(address).Authority);
    }

    /// <summary>Why it could not be started, for the operator.</summary>
    static string Describe(Exception fault) =>
        (fault as SocketException ?? fault.InnerException?.InnerException as SocketException ?? fault.InnerException as SocketException) is { } socket
            ? ListenFault.Describe(socket)
            : fault.Message;

    sealed class GatewaysLog(ILoggerFactory logs) : ILoggerProvider
    {
        public ILogger CreateLogger(string categoryName) => logs.CreateLogger(categoryName);

        public void Dispose()
        {
        }
    }

    /// <summary>The gateway starts and stops it; signals are the gateway's.</summary>
    sealed class GatewaysLifetime : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
