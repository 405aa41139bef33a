using System.Collections.Frozen;
using System.Collections.Immutable;
using Hopseal.Smtp.Mail;
using Hopseal.Smtp.Tls;

namespace Hopseal.Policy;

/// <summary>Which recipient domains are one destination, as far as that is known without DNS: they share its limits, and where one fails the
/// others need not try.</summary>
/// <remarks>Asked for every lease, and quick. A domain that nobody routed is its own destination.</remarks>
public sealed class Destinations
{
    readonly OperatorRules _rules;
    readonly ImmutableArray<SenderPattern> _senders;
    readonly string? _smartHost;
    readonly SecurityFloor? _smartHostFloor;
    readonly FrozenDictionary<string, (string Hop, string Demand)> _routed;

    public Destinations(Routing routing)
    {
        ArgumentNullException.ThrowIfNull(routing);
        _rules = new OperatorRules(routing.Rules);
        _senders = [.. routing.Rules.Select(rule => rule.Sender).OfType<SenderPattern>()];
        _smartHost = routing.SmartHost is { } hop ? NameOf(hop) : null;
        _smartHostFloor = routing.SmartHostFloor;
        _routed = routing.Domains.ToFrozenDictionary(
            domain => domain.Key.Ascii, domain => Routed(domain.Key.Ascii, domain.Value), StringComparer.Ordinal);
    }

    /// <summary>Where connections count together: domains that share a next hop share it.</summary>
    public string HopOf(string domain) => _routed.TryGetValue(domain, out var routed) ? routed.Hop : _smartHost ?? domain;

    /// <summary>Where failures count together: domains that share a next hop and are held to the same there. A next hop that is not as secure as
    /// one domain needs must not hold up the mail of another that does not need it.</summary>
    public string Of(string domain) =>
        _routed.TryGetValue(domain, out var routed) ? routed.Demand
        : _smartHost is not null ? Demand(domain, _smartHost, _smartHostFloor)
        : domain;

    /// <summary>Whether there are rules for the mail of this sender: its failures need not be those of other mail.</summary>
    public bool IsParticular(Mailbox? sender) => _senders.Any(pattern => pattern.Matches(sender));

    (string Hop, string Demand) Routed(string domain, DomainRoute route) => route switch
    {
        { NextHop: { } hop } => (NameOf(hop), Demand(domain, NameOf(hop), route.Floor)),
        { Maildir: null } when _smartHost is not null => (_smartHost, Demand(domain, _smartHost, Higher(route.Floor, _smartHostFloor))),
        _ => (domain, domain),
    };

    string Demand(string domain, string hop, SecurityFloor? floor)
    {
        var there = floor is null ? hop : $"{hop} {floor}";
        return _rules.Matching(domain, sender: null) is { IsEmpty: false } matching
            ? $"{there} {string.Join(' ', matching.Select(rule => rule.Source))}"
            : there;
    }

    static SecurityFloor? Higher(SecurityFloor? one, SecurityFloor? other) => one is null || other > one ? other : one;

    static string NameOf(NextHop hop) => $"{hop.Host?.Ascii ?? hop.Address?.ToString()} {hop.Port}";
}
