using System.Collections.Immutable;
using Hopseal.Dns;
using Hopseal.Smtp.Tls;
using Hopseal.Smtp.Wire;

namespace Hopseal.Policy;

/// <summary>Which hosts take mail for a domain.</summary>
public abstract record MxHosts
{
    MxHosts()
    {
    }

    /// <summary>In the order they are to be tried; at least one has addresses.</summary>
    public sealed record Found(ImmutableArray<PlannedHost> Hosts) : MxHosts;

    /// <param name="Plan">A <see cref="DeliveryPlan.Defer"/> or <see cref="DeliveryPlan.Bounce"/>.</param>
    public sealed record None(DeliveryPlan Plan) : MxHosts;
}

/// <summary>Locates the target hosts of a domain (RFC 5321 §5.1, RFC 7505).</summary>
/// <param name="ownNames">See <see cref="Routing.OwnNames"/>.</param>
/// <param name="port">Of every host.</param>
/// <param name="random">Orders hosts of equal preference, so that they share the load.</param>
public sealed class MxLookup(IDnsResolver resolver, ImmutableHashSet<DomainName> ownNames, int port, Random random)
{
    const int MaxHosts = 20;

    static readonly EnhancedStatus s_noSuchDomain = new(5, 1, 2);
    static readonly EnhancedStatus s_nullMx = new(5, 1, 10);
    static readonly EnhancedStatus s_dnsFailure = new(4, 4, 3);
    static readonly EnhancedStatus s_unroutable = new(5, 4, 4);
    static readonly EnhancedStatus s_loop = new(5, 4, 6);

    /// <summary>Throws only when cancelled.</summary>
    public async ValueTask<MxHosts> FindAsync(DomainName domain, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(domain);
        switch (await resolver.MxAsync(domain, cancel))
        {
            case DnsAnswer<MxRecord>.Found { Records: [{ IsNull: true }] }:
                return Bounce(s_nullMx, $"{domain} takes no mail (null MX)");
            case DnsAnswer<MxRecord>.Found found:
                return await FromRecordsAsync(domain, found, cancel);
            case DnsAnswer<MxRecord>.NoData absent:
                // The domain itself is then the only host (RFC 5321 §5.1, "implicit MX").
                return await FromExchangersAsync(domain, [(0, domain)], absent.Status, cancel);
            case DnsAnswer<MxRecord>.NameError:
                return Bounce(s_noSuchDomain, $"{domain} does not exist");
            case DnsAnswer<MxRecord>.Failed failed:
                return Defer(s_dnsFailure, $"the MX hosts of {domain} are not known now: {failed.Detail}");
            case var unknown:
                throw new InvalidOperationException($"unknown answer {unknown}");
        }
    }

    ValueTask<MxHosts> FromRecordsAsync(DomainName domain, DnsAnswer<MxRecord>.Found found, CancellationToken cancel)
    {
        var records = found.Records.ToArray();
        random.Shuffle(records);
        // A root name among others is no null MX (RFC 7505 §3); neither it nor an address names a host.
        ImmutableArray<(int Preference, DomainName Name)> exchangers =
        [
            .. from record in records
               where record.Exchange is not null
               orderby record.Preference
               select (record.Preference, record.Exchange)
        ];
        return exchangers.IsEmpty
            ? ValueTask.FromResult<MxHosts>(Bounce(s_unroutable, $"no MX record of {domain} names a host: {Invalid(found.Records)}"))
            : FromExchangersAsync(domain, exchangers, found.Status, cancel);
    }

    async ValueTask<MxHosts> FromExchangersAsync(
        DomainName domain, ImmutableArray<(int Preference, DomainName Name)> exchangers, DnssecStatus status, CancellationToken cancel)
    {
        var better = BetterThanOurselves(exchangers);
        if (better.IsEmpty)
        {
            return Bounce(s_loop, $"mail for {domain} loops back to this host: it is the best MX host, and not configured to take it");
        }

        ImmutableArray<(int Preference, DomainName Name)> chosen = [.. better.DistinctBy(exchanger => exchanger.Name).Take(MaxHosts)];
        var addresses = await Task.WhenAll(chosen.Select(exchanger => HostAddresses.FindAsync(resolver, exchanger.Name, cancel)));
        if (addresses.All(host => host.Failure is not null))
        {
            var reason = $"no MX host of {domain} has a usable address: {string.Join("; ", addresses.Select(host => host.Failure))}";
            return addresses.All(host => host.Known) ? Bounce(s_unroutable, reason) : Defer(s_dnsFailure, reason);
        }

        var authenticity = status == DnssecStatus.Secure ? HostAuthenticity.Dnssec : HostAuthenticity.None;
        return new MxHosts.Found(
        [
            .. chosen.Zip(addresses, (exchanger, host) => host.Of(new PlannedHost(
                exchanger.Name, exchanger.Preference, port, TlsStart.StartTls, authenticity, host.Found)))
        ]);
    }

    // RFC 5321 §5.1: ourselves, and whatever is not preferred to ourselves, could only send it back.
    ImmutableArray<(int Preference, DomainName Name)> BetterThanOurselves(ImmutableArray<(int Preference, DomainName Name)> exchangers)
    {
        var ourselves = exchangers
            .Where(exchanger => ownNames.Contains(exchanger.Name))
            .Select(exchanger => exchanger.Preference)
            .DefaultIfEmpty(int.MaxValue)
            .Min();
        return exchangers.RemoveAll(exchanger => exchanger.Preference >= ourselves);
    }

    static string Invalid(ImmutableArray<MxRecord> records) =>
        string.Join(", ", records.Select(record => record.Invalid ?? ".").Take(3));

    static MxHosts.None Bounce(EnhancedStatus status, string reason) => new MxHosts.None(new DeliveryPlan.Bounce(status, reason));

    static MxHosts.None Defer(EnhancedStatus status, string reason) => new MxHosts.None(new DeliveryPlan.Defer(status, reason));
}
