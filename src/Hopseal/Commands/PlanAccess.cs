using System.Net.Sockets;
using System.Runtime.CompilerServices;
using Hopseal.Configuration;
using Hopseal.Control;
using Hopseal.Dns;
using Hopseal.Policy;
using Hopseal.Policy.MtaSts;

namespace Hopseal.Commands;

/// <summary>Who makes a plan: the gateway when it runs, because its caches, its memory of TLS and its rules of today are what counts; else this
/// process, as the configuration says.</summary>
sealed class PlanAccess(Terminal terminal)
{
    static readonly DnsSettings s_dns = new([], TrustAuthenticData: false, TimeSpan.FromSeconds(3));

    /// <param name="file">Null: no configuration.</param>
    /// <exception cref="ControlException">The gateway may run, and cannot be asked.</exception>
    /// <exception cref="UsageException">The configuration cannot be used.</exception>
    public async IAsyncEnumerable<ControlLine> AskAsync(
        string? file, ControlRequest request, [EnumeratorCancellation] CancellationToken cancel)
    {
        var lines = file is null ? Default().RunAsync(request, cancel)
            : await ConnectAsync(file, cancel) is { } gateway ? ControlClient.AskAsync(gateway, request, terminal.Clock, cancel)
            : Configured(file).RunAsync(request, cancel);
        await foreach (var line in lines)
        {
            yield return line;
        }
    }

    Task<Socket?> ConnectAsync(string file, CancellationToken cancel)
    {
        var (directory, why) = ConfigurationFile.FindDataDirectory(file, terminal.Directory, terminal.Variables);
        return ControlClient.ConnectAsync(directory ?? throw new UsageException(why!), cancel);
    }

    PlanOperations Default()
    {
        var resolver = Resolver(s_dns);
        var planner = new DeliveryPlanner(new Routing(), resolver, new ProvenTlsMemory(terminal.Clock), Policies(resolver, TrustedRoots.System));
        return new PlanOperations(PlanSource.Defaults, planner.PlanAsync, terminal.Clock);
    }

    PlanOperations Configured(string file)
    {
        var configuration = Load(file);
        terminal.Error.WriteLine($"hopseal: no gateway runs with {file}: planned here, by what it says and {configuration.DataDirectory} remembers");
        var proven = new ProvenTlsMemory(terminal.Clock, configuration.Outbound.RememberTls);
        var provenFile = new ProvenTlsFile(Path.Combine(configuration.DataDirectory, "proven-tls"));
        var resolver = Resolver(configuration.Dns);
        var policies = Policies(resolver, TrustedRoots.Load(configuration.Roots));
        var policyFile = new StsPolicyFile(Path.Combine(configuration.DataDirectory, StsPolicyFile.Name));
        Restore("the memory of hosts that had TLS", () => proven.Restore(provenFile.Load()));
        Restore("the MTA-STS policies that are kept", () => policies.Restore(policyFile.Load().Policies));
        var planner = new DatedPlanner(configuration, resolver, proven, policies, terminal.Clock);
        return new PlanOperations(PlanSource.Configuration, planner.PlanAsync, terminal.Clock);
    }

    void Restore(string what, Action restore)
    {
        try
        {
            restore();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            terminal.Error.WriteLine($"hopseal: planned without {what}: {e.Message}");
        }
    }

    StsPolicies Policies(IDnsResolver resolver, TrustedRoots roots) =>
        new(resolver, new StsFetch(resolver, new PkixCheck(roots, terminal.Clock), terminal.Clock), terminal.Clock);

    IDnsResolver Resolver(DnsSettings settings)
    {
        try
        {
            return terminal.Zone ?? Resolvers.Create(settings, terminal.Clock);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new UsageException($"no resolver can be asked: {e.Message}");
        }
    }

    GatewayConfiguration Load(string file)
    {
        switch (ConfigurationFile.Load(file, terminal.Directory, terminal.Variables, terminal.Clock))
        {
            case ConfigurationResult.Usable usable:
                ConfigCommand.Write(terminal.Error, usable.Warnings);
                return usable.Configuration;
            case ConfigurationResult.Faulty faulty:
                ConfigCommand.Write(terminal.Error, faulty.Faults);
                throw new UsageException($"{file} cannot be used");
            case ConfigurationResult.Unreadable unreadable:
                throw new UsageException(unreadable.Why);
            default:
                throw new System.Diagnostics.UnreachableException();
        }
    }
}
