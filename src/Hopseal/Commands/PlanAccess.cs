using System.Collections.Immutable;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using Hopseal.Configuration;
using Hopseal.Control;
using Hopseal.Dns;
using Hopseal.Monitor.Requiring;
using Hopseal.Policy;
using Hopseal.Policy.MtaSts;

namespace Hopseal.Commands;

/// <summary>Who makes a plan: the gateway when it runs, because its caches, its memory of TLS and its rules of today are what counts; else this
/// process, as the configuration says.</summary>
sealed class PlanAccess(Terminal terminal)
{
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
        var resolver = ConfigurationArgument.Resolver(DnsSettings.Standard, terminal);
        var planner = new DeliveryPlanner(new Routing(), resolver, new ProvenTlsMemory(terminal.Clock), Policies(resolver, TrustedRoots.System));
        return new PlanOperations(PlanSource.Defaults, planner.PlanAsync, Health(DnsSettings.Standard), terminal.Clock);
    }

    PlanOperations Configured(string file)
    {
        var configuration = ConfigurationArgument.Load(file, terminal);
        terminal.Error.WriteLine($"hopseal: no gateway runs with {file}: planned here, by what it says and {configuration.DataDirectory} remembers");
        var proven = new ProvenTlsMemory(terminal.Clock, configuration.Outbound.RememberTls);
        var provenFile = ProvenTlsFile.In(configuration.DataDirectory);
        var resolver = ConfigurationArgument.Resolver(configuration.Dns, terminal);
        var policies = Policies(resolver, TrustedRoots.Load(configuration.Roots));
        var policyFile = new StsPolicyFile(Path.Combine(configuration.DataDirectory, StsPolicyFile.Name));
        Restore("the memory of hosts that had TLS", () => proven.Restore(provenFile.Load()));
        Restore("the MTA-STS policies that are kept", () => policies.Restore(policyFile.Load().Policies));
        var required = Required(configuration.DataDirectory);
        var planner = new DatedPlanner(configuration, resolver, proven, policies, () => required, terminal.Clock);
        return new PlanOperations(PlanSource.Configuration, planner.PlanAsync, Health(configuration.Dns), terminal.Clock);
    }

    /// <exception cref="ControlException">A plan without them would say less than the gateway asks for.</exception>
    static ImmutableArray<OutboundRule> Required(string directory)
    {
        try
        {
            return [.. RequiredFile.In(directory).Load().Select(rule => rule.Rule)];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or InvalidDataException)
        {
            throw new ControlException(e.Message, e);
        }
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

    /// <summary>Whatever the resolver of this process is, it is asked; the zone of a test is none.</summary>
    Func<CancellationToken, ValueTask<ResolverHealth?>> Health(DnsSettings settings)
    {
        var probe = terminal.Zone is null ? Resolvers.BriefProbe(settings, terminal.Clock) : null;
        return async cancel => probe is null ? null : await probe.CheckAsync(cancel);
    }
}
