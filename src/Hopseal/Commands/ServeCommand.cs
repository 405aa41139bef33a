using System.CommandLine;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Hopseal.Configuration;
using Microsoft.Extensions.Hosting.Systemd;

namespace Hopseal.Commands;

/// <summary><c>hopseal serve</c>: the gateway, until it is told to stop.</summary>
static class ServeCommand
{
    public static Command Create(Terminal terminal)
    {
        var file = new Option<string?>("--config", "-c")
        {
            Description = "The configuration file. Without one: local mode, on loopback ports, which sends nothing anywhere.",
            HelpName = "FILE",
        };
        var command = new Command("serve", "Runs the gateway.") { file };
        command.SetAction((parsed, cancel) => RunAsync(parsed.GetValue(file), terminal, cancel));
        return command;
    }

    static async Task<int> RunAsync(string? file, Terminal terminal, CancellationToken cancel)
    {
        var configuration = file is null ? PrepareLocalMode(terminal) : Load(file, terminal);
        if (configuration is null)
        {
            return ExitCode.Usage;
        }

        using var logs = GatewayLog.Create(configuration.Log, terminal.ErrorIsTerminal, terminal.Colours);
        try
        {
            await using var gateway = await Gateway.StartAsync(configuration, logs, terminal.Clock);
            if (file is null)
            {
                LocalModeScreen.Write(terminal.Error, configuration, gateway.Endpoints, gateway.Dashboard);
            }

            return await RunUntilStoppedAsync(gateway, cancel);
        }
        catch (GatewayStartException e)
        {
            await terminal.Error.WriteLineAsync($"hopseal: {e.Message}");
            return ExitCode.Usage;
        }
    }

    static async Task<int> RunUntilStoppedAsync(Gateway gateway, CancellationToken cancel)
    {
        using var reload = PosixSignalRegistration.Create(PosixSignal.SIGHUP, signal =>
        {
            signal.Cancel = true;
            gateway.ReloadCertificates();
        });
        var systemd = new SystemdNotifier();
        systemd.Notify(ServiceState.Ready);

        var stopped = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        using var stop = cancel.Register(() => stopped.TrySetResult());
        var ended = await Task.WhenAny(stopped.Task, gateway.PartEnded);
        systemd.Notify(ServiceState.Stopping);
        if (ended == stopped.Task)
        {
            return ExitCode.Done;
        }

        // Better a restart than a gateway that takes mail and never sends it.
        await await gateway.PartEnded;
        throw new InvalidOperationException("a part of the gateway ended by itself");
    }

    static GatewayConfiguration? Load(string file, Terminal terminal)
    {
        switch (ConfigurationFile.Load(file, terminal.Directory, terminal.Variables, terminal.Clock))
        {
            case ConfigurationResult.Usable usable:
                ConfigCommand.Write(terminal.Error, usable.Warnings);
                return usable.Configuration;
            case ConfigurationResult.Faulty faulty:
                ConfigCommand.Write(terminal.Error, faulty.Faults);
                return null;
            case ConfigurationResult.Unreadable unreadable:
                terminal.Error.WriteLine($"hopseal: {unreadable.Why}");
                return null;
            default:
                throw new System.Diagnostics.UnreachableException();
        }
    }

    static GatewayConfiguration PrepareLocalMode(Terminal terminal)
    {
        if (terminal.Variables.Keys.Any(name => name.StartsWith(EnvironmentOverlay.Prefix, StringComparison.Ordinal)))
        {
            throw new UsageException($"{EnvironmentOverlay.Prefix}… variables change a configuration file: say which with --config");
        }

        try
        {
            return LocalMode.Prepare(terminal.Directory, LocalPorts.Standard, terminal.Clock);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or CryptographicException)
        {
            throw new UsageException($"{LocalMode.DirectoryName} cannot be prepared: {e.Message}");
        }
    }
}
