using System.Net;
using Hopseal.Audit.Facts;
using Hopseal.Audit.Targets;
using Hopseal.Dns;
using Hopseal.Policy;
using Hopseal.Policy.Dane;
using Hopseal.Smtp.Tls;

namespace Hopseal.Audit.Probes;

/// <summary>A host as DNS has it, before it is asked anything.</summary>
/// <param name="Dane">What its usable TLSA records ask for; null without any.</param>
sealed record FoundHost(DomainName Name, int Port, HostAddresses Addresses, TlsaFacts Tlsa, TransportPolicy.Dane? Dane, CaaFacts Caa)
{
    /// <summary>A host with more addresses than that is a network; the first ones stand for it.</summary>
    const int MostAddresses = 16;

    public Expected Expected => new(Name, Dane);

    public IEnumerable<IPEndPoint> Endpoints => Addresses.Found.Take(MostAddresses).Select(address => new IPEndPoint(address, Port));
}

/// <summary>One host: its addresses and TLSA records, then every address, beside each other where they are in different networks.</summary>
sealed class HostProbe(IDnsResolver resolver, EndpointProbe endpoints)
{
    readonly CaaClimb _caa = new(resolver);
    readonly ReverseLookup _reverse = new(resolver);

    /// <summary>Nobody's mail server is asked.</summary>
    /// <param name="signedName">DNSSEC vouches for the name: the MX record is signed, or somebody wrote it down.</param>
    public async Task<FoundHost> FindAsync(DomainName name, int port, bool signedName, CancellationToken cancel)
    {
        var caa = _caa.FindAsync(name, cancel);
        var addresses = await HostAddresses.FindAsync(resolver, name, cancel);
        var host = addresses.Of(new PlannedHost(name, 0, port, TlsStart.StartTls, signedName ? HostAuthenticity.Dnssec : HostAuthenticity.None, []));
        var (tlsa, dane) = await TlsaAsync(host, signedName, cancel);
        return new FoundHost(name, port, addresses, tlsa, dane, await caa);
    }

    /// <param name="budgets">Of its addresses, and of those of the other hosts of this check.</param>
    public async Task<HostFacts> ProbeAsync(
        FoundHost host, int? preference, MailProtocol protocol, CheckBudgets budgets, IProgress<string> progress, CancellationToken cancel)
    {
        var probed = await Task.WhenAll(host.Endpoints.Select(endpoint =>
        {
            progress.Report($"{host.Name} [{endpoint.Address}]");
            return EndpointAsync(endpoint, protocol, host.Expected, budgets.Of(endpoint), cancel);
        }));
        return new HostFacts(host.Name.Ascii, preference, host.Addresses.Failure, host.Addresses.Status is DnssecStatus.Secure, host.Tlsa, [.. probed])
        {
            AddressesKnown = host.Addresses.Known,
            Caa = host.Caa,
        };
    }

    public async Task<HostFacts> ProbeAsync(IPEndPoint endpoint, MailProtocol protocol, ConnectionBudget budget, CancellationToken cancel) =>
        new(null, null, null, false, TlsaFacts.NotAsked, [await EndpointAsync(endpoint, protocol, new Expected(null, null), budget, cancel)]);

    async Task<EndpointFacts> EndpointAsync(IPEndPoint endpoint, MailProtocol protocol, Expected expected, ConnectionBudget budget, CancellationToken cancel)
    {
        var reverse = _reverse.FindAsync(endpoint.Address, cancel);
        return await endpoints.ProbeAsync(endpoint, protocol, expected, budget, cancel) with { Reverse = await reverse };
    }

    async Task<(TlsaFacts Facts, TransportPolicy.Dane? Policy)> TlsaAsync(PlannedHost host, bool signedName, CancellationToken cancel)
    {
        switch (await new DaneLookup(resolver).FindAsync(host, cancel))
        {
            case DaneFinding.Found found:
                var unusable = found.Published.Except(found.Usable).Select(record => record.ToString());
                var facts = new TlsaFacts(
                    TlsaAnswer.Signed, $"_{host.Port}._tcp.{found.Base}", [.. found.Usable.Select(record => record.ToString())], [.. unusable]);
                return (facts, found.Usable.IsEmpty ? null : new TransportPolicy.Dane(found.Base, found.Usable, [found.Base.Ascii, host.Name!.Ascii], signedName));
            case DaneFinding.Failed failed:
                return (new TlsaFacts(TlsaAnswer.Failed, null, [], [], failed.Failure.Detail), null);
            case DaneFinding.None none:
                return (await UnsignedAsync(host, none.Why, cancel), null);
            default:
                throw new InvalidOperationException("unknown finding");
        }
    }

    /// <summary>Records that nobody uses are worth telling: whoever published them believes to be protected.</summary>
    async Task<TlsaFacts> UnsignedAsync(PlannedHost host, string why, CancellationToken cancel)
    {
        if (!DomainName.TryParse($"_{host.Port}._tcp.{host.Name}", out var owner))
        {
            return new TlsaFacts(TlsaAnswer.Absent, null, [], [], why);
        }

        return await resolver.TlsaAsync(owner, cancel) is DnsAnswer<TlsaRecord>.Found found
            ? new TlsaFacts(TlsaAnswer.Unsigned, owner.Ascii, [.. found.Records.Take(TlsaSet.MostRecords).Select(record => record.ToString())], [], why)
            : new TlsaFacts(TlsaAnswer.Absent, owner.Ascii, [], [], why);
    }
}
