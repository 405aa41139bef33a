using Hopseal.Configuration;
using Hopseal.Control;
using Hopseal.Dashboard;
using Hopseal.Smtp.Tls;
using Microsoft.Extensions.Logging;

namespace Hopseal.Parts;

/// <summary>What answers beside mail: the policies of our domains to anybody, the dashboard and the control socket to operators.</summary>
/// <param name="view">Null: no dashboard.</param>
sealed class Serving(
    GatewayConfiguration configuration, ServerCertificates certificates, GatewayView? view, ControlOperations operations, ILoggerFactory logs, TimeProvider clock)
    : IAsyncDisposable
{
    ControlServer? _control;
    StsPolicyServer? _policyServer;
    DashboardServer? _dashboard;

    /// <summary>Where the dashboard is, for a browser; null without one.</summary>
    public Uri? Dashboard => _dashboard?.Address;

    /// <exception cref="GatewayStartException">One of them cannot listen. Those that can do until this is disposed.</exception>
    public async Task StartAsync()
    {
        if (configuration.MtaSts.Endpoint is not null)
        {
            _policyServer = await StsPolicyServer.StartAsync(configuration.MtaSts, certificates, configuration.Tls.Protocols, logs);
        }

        if (view is not null)
        {
            _dashboard = await DashboardServer.StartAsync(configuration, view, certificates, logs);
        }

        try
        {
            _control = ControlServer.Start(configuration.DataDirectory, operations, clock, logs.CreateLogger<ControlServer>());
        }
        catch (IOException e)
        {
            throw new GatewayStartException(e.Message, e);
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (_control is not null)
        {
            await _control.DisposeAsync();
        }

        if (_dashboard is not null)
        {
            await _dashboard.DisposeAsync();
        }

        if (_policyServer is not null)
        {
            await _policyServer.DisposeAsync();
        }
    }
}
