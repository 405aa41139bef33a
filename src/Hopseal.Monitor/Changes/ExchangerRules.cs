using System.Net;
using System.Net.Sockets;
using Hopseal.Audit.Facts;
using Hopseal.Monitor.Looks;
using Hopseal.Reports.Alerts;

namespace Hopseal.Monitor.Changes;

/// <summary>Where mail goes: hosts that come and go, and hosts that move.</summary>
static class ExchangerRules
{
    const int OctetsOfIPv4 = 2;
    const int OctetsOfIPv6 = 4;

    static readonly TimeSpan s_silence = TimeSpan.FromDays(1);

    public static IEnumerable<Told> Of(Comparison comparison, DateTimeOffset now) =>
    [
        .. Gone(comparison),
        .. Names(comparison, now),
        .. comparison.Hosts.SelectMany(host => Silent(comparison, host, now)),
        .. comparison.Changes(now - DomainHistory.Memory).SelectMany(pair => Networks(comparison, pair.After)),
    ];

    static IEnumerable<Told> Gone(Comparison comparison)
    {
        if (comparison.TakesMail || comparison.Now.Domain is not { } domain)
        {
            return [];
        }

        var what = domain.Mx.State switch
        {
            MxState.Null => "says that it takes no mail",
            MxState.NoSuchDomain => "does not exist",
            _ => "has no host that mail could go to",
        };
        return comparison.Tell(
            new Fault(
                AlertRules.MonitorMxGone, comparison.Domain, new Levels(AlertSeverity.Critical, AlertSeverity.Warning),
                new Levels(domain.Mx.State is MxState.Null ? null : AlertSeverity.Warning, null),
                $"{comparison.Domain} {what}{(comparison.Then is null ? "" : " any more, as DNS has it now")}",
                "Look at its zone, and whether the domain was renewed."),
            isNew: comparison.Then?.Domain is { Mx.State: MxState.Found or MxState.Implicit });
    }

    static IEnumerable<Told> Names(Comparison comparison, DateTimeOffset now)
    {
        string[] changes =
        [
            .. comparison.Changes(now - DomainHistory.Memory).Select(pair => (pair.After.FirstSeenAt, Before: NamesOf(pair.Before), After: NamesOf(pair.After)))
                .Where(change => change is { Before: not null, After: not null } && !change.Before.SetEquals(change.After))
                .Select(change => $"on {Seen.Day(change.FirstSeenAt)} {Words(change.Before!, change.After!)}")
        ];
        return changes.Length == 0 ? [] : comparison.TellChange(
            AlertRules.MonitorMxChanged, comparison.Domain, new Levels(AlertSeverity.Warning, AlertSeverity.Info),
            $"The mail of {comparison.Domain} goes to other hosts: {string.Join("; ", changes)}",
            "If nobody knows of it, look at the zone: whoever can change MX records gets the mail.");
    }

    /// <summary>Null where it takes no mail, or that is not known.</summary>
    static HashSet<string>? NamesOf(Observation observation) => observation.Facts.Domain is { Mx.State: MxState.Found or MxState.Implicit } domain
        ? domain.Mx.Exchangers.Select(exchanger => exchanger.Name).OfType<string>().ToHashSet(StringComparer.Ordinal)
        : null;

    static string Words(HashSet<string> before, HashSet<string> after)
    {
        string[] came = [.. after.Except(before).Order(StringComparer.Ordinal)];
        string[] left = [.. before.Except(after).Order(StringComparer.Ordinal)];
        return string.Join(", ", ((string[])[came.Length > 0 ? $"{Seen.Some(came)} came" : "", left.Length > 0 ? $"{Seen.Some(left)} left" : ""]).Where(part => part.Length > 0));
    }

    /// <summary>An address that never answered from here is no loss: perhaps there is no IPv6 here.</summary>
    static IEnumerable<Told> Silent(Comparison comparison, HostPair host, DateTimeOffset now)
    {
        if (host.Then is not { } then || !then.Endpoints.Any(Seen.Talked))
        {
            return [];
        }

        if (!host.Now.AddressesKnown)
        {
            return [Comparison.Unknown(AlertRules.MonitorUnreachable, host.Name, had: true)];
        }

        if (host.Now.Endpoints.IsEmpty)
        {
            return comparison.Tell(
                new Fault(
                    AlertRules.MonitorUnreachable, host.Name, new Levels(AlertSeverity.Warning, AlertSeverity.Info), Levels.None,
                    $"{host.Name} has no address any more: {host.Now.AddressProblem ?? "no reason given"}", "Give it its addresses back, or take it out of MX."), isNew: true);
        }

        string[] silent =
        [
            .. host.Now.Endpoints.Where(endpoint => comparison.SilentFor(host, endpoint, now) > s_silence && then.Endpoints.Any(old => old.Address == endpoint.Address && Seen.Talked(old)))
                .Select(endpoint => endpoint.Address)
        ];
        return silent.Length == 0 ? [] : comparison.Tell(
            new Fault(
                AlertRules.MonitorUnreachable, host.Name, Levels.None, new Levels(AlertSeverity.Warning, null),
                $"{host.Name} [{Seen.Some(silent)}] answered before, and did not for a day: {Why(comparison, host, silent[0])}",
                "It may be down, or turn away who asks too often. What is told of it is what was seen last."), isNew: false);
    }

    static string Why(Comparison comparison, HostPair host, string address)
    {
        var name = Asking.NameOf(host.Now, host.Now.Endpoints.First(endpoint => endpoint.Address == address));
        return comparison.History.Looks.Unanswered.First(part => part.Part == name).Why;
    }

    /// <summary>A host whose addresses are all in networks where it never was. One that proves who it is may: large hosters answer with other addresses all
    /// the time.</summary>
    static IEnumerable<Told> Networks(Comparison comparison, Observation after)
    {
        Observation[] earlier = [.. comparison.History.Recent.Where(other => other.Id < after.Id), .. comparison.History.Reference is { } reference && reference.Id < after.Id ? [reference] : Array.Empty<Observation>()];
        foreach (var host in after.Facts.Hosts)
        {
            if (host.Name is not { } name || comparison.Hosts.All(current => current.Name != name))
            {
                continue;
            }

            var before = earlier.SelectMany(other => other.Facts.Hosts).Where(other => other.Name == name).SelectMany(other => other.Endpoints).Select(NetworkOf).OfType<IPNetwork>().ToHashSet();
            IPNetwork[] now = [.. host.Endpoints.Select(NetworkOf).OfType<IPNetwork>()];
            if (before.Count == 0 || now.Length == 0 || now.Any(before.Contains))
            {
                continue;
            }

            var proven = host.Endpoints.All(endpoint => Seen.MatchesTlsa(endpoint) is true || Seen.Verified(endpoint) is true);
            foreach (var told in comparison.TellChange(
                AlertRules.MonitorMxNetwork, name, proven ? new Levels(AlertSeverity.Info, null) : Levels.Warning,
                $"{name} moved to another network on {Seen.Day(after.FirstSeenAt)}: {Seen.Some(host.Endpoints.Select(endpoint => endpoint.Address))}, before in {Seen.Some(before.Select(network => network.ToString()))}",
                proven ? "Its certificate proves that it is the same host." : "Nothing proves that it is the same host: no TLSA record, and no certificate that can be verified. Ask its operator."))
            {
                yield return told;
            }
        }
    }

    /// <summary>Roughly what a provider has.</summary>
    static IPNetwork? NetworkOf(EndpointFacts endpoint)
    {
        if (!IPAddress.TryParse(endpoint.Address, out var address))
        {
            return null;
        }

        var octets = address.GetAddressBytes();
        var kept = address.AddressFamily is AddressFamily.InterNetwork ? OctetsOfIPv4 : OctetsOfIPv6;
        octets.AsSpan(kept).Clear();
        return new IPNetwork(new IPAddress(octets), kept * 8);
    }
}
