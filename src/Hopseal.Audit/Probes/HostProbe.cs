using System.Net;
using Hopseal.Audit.Facts;
using Hopseal.Audit.Targets;
using Hopseal.Dns;
using Hopseal.Policy;
using Hopseal.Policy.Dane;
using Hopseal.Smtp.Tls;

namespace Hopseal.Audit.Probes;

/// <summary>One host: its addresses and TLSA records, then every address, beside each other where they are in different networks.</summary>
sealed class HostProbe(IDnsResolver resolver, EndpointProbe endpoints)
{
    readonly CaaClimb _caa = new(resolver);
    readonly ReverseLookup _reverse = new(resolver);

    /// <summary>A host with more addresses than that is a network; the first ones stand for it.</summary>
    const int MostAddresses = 16;

    /// <param name="signedName">DNSSEC vouches for the name: the MX record is signed, or somebody wrote it down.</param>
    public async Task<HostFacts> ProbeAsync(
        DomainName name, int? preference, int port, MailProtocol protocol, bool signedName, IProgress<string> progress, CancellationToken cancel)
    {
        var addresses = await HostAddresses.FindAsync(resolver, name, cancel);
        var host = addresses.Of(new PlannedHost(
            name, preference ?? 0, port, TlsStart.StartTls, signedName ? HostAuthenticity.Dnssec : HostAuthenticity.None, []));
        var (tlsa, dane) = await TlsaAsync(host, signedName, cancel);
        var probed = await Task.WhenAll(addresses.Found.Take(MostAddresses).Select(address =>
        {
            progress.Report($"{name} [{address}]");
            return EndpointAsync(new IPEndPoint(address, port), protocol, new Expected(name, dane), cancel);
        }));
        return new HostFacts(name.Ascii, preference, addresses.Failure, addresses.Status is DnssecStatus.Secure, tlsa, [.. probed])
        {
            AddressesKnown = addresses.Known,
            Caa = await _caa.FindAsync(name, cancel),
        };
    }

    public async Task<HostFacts> ProbeAsync(IPAddress address, int port, MailProtocol protocol, CancellationToken cancel) =>
        new(null, null, null, false, TlsaFacts.NotAsked, [await EndpointAsync(new IPEndPoint(address, port), protocol, new Expected(null, null), cancel)]);

    async Task<EndpointFacts> EndpointAsync(IPEndPoint endpoint, MailProtocol protocol, Expected expected, CancellationToken cancel)
    {
        var reverse = _reverse.FindAsync(endpoint.Address, cancel);
        return await endpoints.ProbeAsync(endpoint, protocol, expected, cancel) with { Reverse = await reverse };
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
