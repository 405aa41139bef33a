using Hopseal.Audit.Facts;

namespace Hopseal.Monitor.Changes;

/// <summary>What changed of one host. The words are put behind its name.</summary>
static class HostDifference
{
    public static IEnumerable<DomainChange> Between(HostFacts then, HostFacts now)
    {
        var name = now.Name ?? now.Endpoints.FirstOrDefault()?.Address ?? "the host";
        return [.. Names(then, now).Select(change => change with { Text = name + change.Text }), .. Addresses(name, then, now)];
    }

    static IEnumerable<DomainChange> Names(HostFacts then, HostFacts now)
    {
        if (then.AddressProblem is null && now.AddressProblem is null)
        {
            foreach (var change in DomainDifference.Lists(": addresses", then.Endpoints.Select(endpoint => endpoint.Address), now.Endpoints.Select(endpoint => endpoint.Address)))
            {
                yield return change;
            }

            if (then.AddressesSigned != now.AddressesSigned)
            {
                yield return now.AddressesSigned ? new DomainChange(Turn.Better, ": addresses are signed by DNSSEC now") : new DomainChange(Turn.Worse, ": addresses are no longer signed by DNSSEC");
            }
        }
        else if (then.AddressProblem != now.AddressProblem)
        {
            yield return now.AddressProblem is { } problem ? new DomainChange(Turn.Worse, $" has no address: {problem}") : new DomainChange(Turn.Better, " has an address again");
        }

        foreach (var change in Tlsa(then.Tlsa, now.Tlsa))
        {
            yield return change;
        }

        if (then.Caa is { Problem: null } old && now.Caa is { Problem: null } caa)
        {
            foreach (var change in DomainDifference.Lists(": CAA records", old.Records, caa.Records))
            {
                yield return change;
            }
        }
    }

    static IEnumerable<DomainChange> Tlsa(TlsaFacts then, TlsaFacts now)
    {
        if (then.Answer is TlsaAnswer.NotAsked || now.Answer is TlsaAnswer.NotAsked)
        {
            yield break;
        }

        if (then.Answer != now.Answer)
        {
            yield return now.Answer switch
            {
                TlsaAnswer.Failed => new DomainChange(Turn.Worse, $": TLSA records cannot be looked up: {now.Problem ?? "no reason given"}"),
                TlsaAnswer.Signed => new DomainChange(Turn.Better, $" has signed TLSA records: {Seen.Some(now.Records)}"),
                TlsaAnswer.Unsigned => new DomainChange(then.Answer is TlsaAnswer.Signed ? Turn.Worse : Turn.Neutral, " has TLSA records that are not signed"),
                _ => new DomainChange(then.Answer is TlsaAnswer.Signed ? Turn.Worse : Turn.Neutral, " has no TLSA records any more"),
            };
            yield break;
        }

        foreach (var change in DomainDifference.Lists(": TLSA records", then.Records, now.Records).Concat(DomainDifference.Lists(": TLSA records that cannot be used", then.Unusable, now.Unusable)))
        {
            yield return change;
        }
    }

    /// <summary>Each change once, with the addresses where it is not the same at all of them.</summary>
    static IEnumerable<DomainChange> Addresses(string name, HostFacts then, HostFacts now)
    {
        var all = now.Endpoints.SelectMany(endpoint => Counterpart(then, endpoint) is { } old
            ? EndpointDifference.Between(old, endpoint).Select(change => (endpoint.Address, Change: change))
            : []);
        return all.GroupBy(one => one.Change).Select(same =>
        {
            string[] at = [.. same.Select(one => one.Address).Distinct()];
            return same.Key with { Text = $"{(at.Length == now.Endpoints.Length ? name : $"{name} [{Seen.Some(at)}]")}{same.Key.Text}" };
        });
    }

    /// <summary>The same address; a new one is held against any that talked.</summary>
    static EndpointFacts? Counterpart(HostFacts then, EndpointFacts endpoint) =>
        then.Endpoints.FirstOrDefault(other => other.Address == endpoint.Address) ?? then.Endpoints.FirstOrDefault(Seen.Talked);
}
