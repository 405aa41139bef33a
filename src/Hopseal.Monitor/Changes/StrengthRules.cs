using Hopseal.Audit.Facts;
using Hopseal.Reports.Alerts;

namespace Hopseal.Monitor.Changes;

/// <summary>Whether the TLS of a host is weaker than it was.</summary>
static class StrengthRules
{
    public static IEnumerable<Told> Of(Comparison comparison) => comparison.Hosts.SelectMany(host => OfHost(comparison, host));

    static IEnumerable<Told> OfHost(Comparison comparison, HostPair host)
    {
        if (host.Then is not { } then)
        {
            return [];
        }

        string[] weaker = [.. host.Now.Endpoints.SelectMany(endpoint => Counterpart(then, endpoint) is { } old ? TlsStrength.Weaker(old, endpoint) : []).Distinct()];
        var injected = host.Now.Endpoints.Any(endpoint => endpoint.Injection is { Executed: true }) && then.Endpoints.All(endpoint => endpoint.Injection is not { Executed: true })
            && then.Endpoints.Any(endpoint => endpoint.Injection is { Executed: false });
        if (weaker.Length == 0 && !injected)
        {
            var known = host.Now.Endpoints.Any(endpoint => Seen.Leaf(endpoint) is not null);
            return known ? [] : [Comparison.Unknown(AlertRules.MonitorWeaker, host.Name, then.Endpoints.Any(endpoint => Seen.Leaf(endpoint) is not null))];
        }

        return comparison.Tell(
            new Fault(
                AlertRules.MonitorWeaker, host.Name, injected ? Levels.Critical : Levels.Warning, Levels.None,
                $"TLS of {host.Name} is weaker than it was: {string.Join("; ", injected ? weaker.Prepend("it executes commands that were sent in plaintext before TLS (CVE-2011-0411)") : weaker)}",
                comparison.IsOwn ? "Often an update, or another host behind the same address." : "Its operator may not know."), isNew: true);
    }

    /// <summary>The same address, or else the first that had TLS.</summary>
    static EndpointFacts? Counterpart(HostFacts then, EndpointFacts endpoint) =>
        then.Endpoints.FirstOrDefault(other => other.Address == endpoint.Address && Seen.Leaf(other) is not null) ?? then.Endpoints.FirstOrDefault(other => Seen.Leaf(other) is not null);
}
