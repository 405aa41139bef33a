using System.Collections.Immutable;
using Hopseal.Configuration;
using Hopseal.Policy;
using Hopseal.Policy.MtaSts;
using Hopseal.Dns;
using Microsoft.Extensions.Logging;

namespace Hopseal.Parts;

/// <summary>What earlier deliveries taught: the hosts that had TLS, and the policies that other domains publish.</summary>
sealed class Remembered : IAsyncDisposable
{
    static readonly TimeSpan s_provenInterval = TimeSpan.FromSeconds(5);
    static readonly TimeSpan s_policyInterval = TimeSpan.FromMinutes(5);

    readonly StsPolicyKeeper _keeper;

    /// <param name="policyPort">Null: 443, as RFC 8461 §3.3 has it.</param>
    /// <param name="onFetch">Is told of each policy that was fetched, or could not be.</param>
    public Remembered(
        GatewayConfiguration configuration, IDnsResolver resolver, PkixCheck pkix, int? policyPort, Action<StsNews>? onFetch, ILoggerFactory logs, TimeProvider clock)
    {
        ProvenTls = new ProvenTlsMemory(clock, configuration.Outbound.RememberTls);
        Proven = new ProvenTlsKeeper(ProvenTls, ProvenTlsFile.In(configuration.DataDirectory), logs.CreateLogger<ProvenTlsKeeper>());
        var file = new StsPolicyFile(Path.Combine(configuration.DataDirectory, StsPolicyFile.Name));
        _keeper = new StsPolicyKeeper(file, clock, logs.CreateLogger<StsPolicyKeeper>());
        var fetch = policyPort is { } port ? new StsFetch(resolver, pkix, clock) { Port = port } : new StsFetch(resolver, pkix, clock);
        Policies = new StsPolicies(resolver, fetch, clock, new StsOptions { Tell = _keeper.Tell + onFetch });
    }

    public ProvenTlsMemory ProvenTls { get; }

    public ProvenTlsKeeper Proven { get; }

    public StsPolicies Policies { get; }

    public ImmutableArray<Periodic> Work =>
    [
        Periodic.Of(s_provenInterval, Proven.Save),
        new(s_policyInterval, stop => Policies.RenewAsync(stop)),
    ];

    public void Restore()
    {
        Proven.Restore();
        _keeper.Restore(Policies);
    }

    /// <summary>Writes down what changes, until it is stopped.</summary>
    public Task RunAsync(CancellationToken stop) => _keeper.RunAsync(Policies, stop);

    public async ValueTask DisposeAsync()
    {
        Proven.Save();
        await Policies.DisposeAsync();
    }
}
