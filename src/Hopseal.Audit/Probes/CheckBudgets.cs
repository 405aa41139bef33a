using System.Collections.Immutable;
using System.Net;

namespace Hopseal.Audit.Probes;

/// <summary>The budgets of one check, one for each address: a domain whose hosts are all the same machine asks no more of that one.</summary>
sealed class CheckBudgets
{
    readonly ImmutableDictionary<IPEndPoint, ConnectionBudget> _budgets;

    /// <param name="names">Every address that will be asked, once for each name that it will be asked by, with the connections that are held back for that name.</param>
    public CheckBudgets(IEnumerable<(IPEndPoint Endpoint, int Promised)> names, ProbeOptions options) => _budgets = names
        .GroupBy(name => name.Endpoint, name => name.Promised)
        .ToImmutableDictionary(same => same.Key, same => new ConnectionBudget(options, same.Sum()));

    public ConnectionBudget Of(IPEndPoint endpoint) => _budgets[endpoint];
}
