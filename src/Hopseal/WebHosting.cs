using System.Net;
using System.Net.Sockets;
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

    /// <summary>Where one that was started listens.</summary>
    public static IPEndPoint EndpointOf(WebApplication application)
    {
        var address = application.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single();
        return IPEndPoint.Parse(new Uri(address).Authority);
    }

    /// <summary>Why it could not be started, for the operator.</summary>
    public static string Describe(Exception fault) =>
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
