using System.Collections.Immutable;
using Hopseal.Audit.Facts;
using Hopseal.Audit.Output;

namespace Hopseal.Commands.Monitoring;

/// <summary>Hosts, and addresses of hosts, that an earlier look saw and a later one did not: what was found there is gone with them, and is
/// said of each in one line.</summary>
sealed class Vanished
{
    readonly ImmutableArray<string> _places;

    /// <param name="before">The earlier look.</param>
    public Vanished(AuditFacts before, AuditFacts after)
    {
        var there = after.Hosts.SelectMany(Places).ToHashSet(StringComparer.Ordinal);

        // What is found of a domain without MX records has the name of its host, and does not go with it.
        _places =
        [
            .. before.Hosts.SelectMany(Places).Where(place => !there.Contains(place) && place != before.Domain?.Name).Distinct(StringComparer.Ordinal)
                .OrderBy(place => place.Length),
        ];
    }

    /// <summary>The host, or the address, that the finding went with; null where it went, changed or came by itself.</summary>
    public string? With(FindingChange change) => change.After is null
        ? _places.FirstOrDefault(place => change.Subject == place || change.Subject.StartsWith($"{place} ", StringComparison.Ordinal))
        : null;

    /// <summary>As findings name them.</summary>
    static IEnumerable<string> Places(HostFacts host) => host.Name is { } name
        ? host.Endpoints.Select(endpoint => $"{name} [{endpoint.Address}]").Prepend(name)
        : host.Endpoints.Select(endpoint => endpoint.Address);
}
