using System.Net;
using Hopseal.Dns;

namespace Hopseal.Policy.Tests.MtaSts;

/// <summary>A zone whose text a test replaces while it is in use.</summary>
sealed class ChangingZone(string text) : IDnsResolver
{
    volatile ZoneResolver _zone = ZoneResolver.Parse(text);

    public void Become(string other) => _zone = ZoneResolver.Parse(other);

    public ValueTask<DnsAnswer<MxRecord>> MxAsync(DomainName name, CancellationToken cancel) => _zone.MxAsync(name, cancel);

    public ValueTask<DnsAnswer<IPAddress>> Ipv4Async(DomainName name, CancellationToken cancel) => _zone.Ipv4Async(name, cancel);

    public ValueTask<DnsAnswer<IPAddress>> Ipv6Async(DomainName name, CancellationToken cancel) => _zone.Ipv6Async(name, cancel);

    public ValueTask<DnsAnswer<TlsaRecord>> TlsaAsync(DomainName name, CancellationToken cancel) => _zone.TlsaAsync(name, cancel);

    public ValueTask<DnsAnswer<string>> TxtAsync(DomainName name, CancellationToken cancel) => _zone.TxtAsync(name, cancel);

    public ValueTask<DnsAnswer<DomainName>> CnameAsync(DomainName name, CancellationToken cancel) => _zone.CnameAsync(name, cancel);

    public ValueTask<DnsAnswer<CaaRecord>> CaaAsync(DomainName name, CancellationToken cancel) => _zone.CaaAsync(name, cancel);

    public ValueTask<DnsAnswer<DomainName>> PtrAsync(DomainName name, CancellationToken cancel) => _zone.PtrAsync(name, cancel);
}
