using System.Net;
using Hopseal.Dns;

namespace Hopseal;

/// <summary>Answers <c>localhost</c> and the names below it itself (RFC 6761 §6.3), everything else from
/// <paramref name="resolver"/>: many resolvers do not know the name, and the answer of one far away should not be believed.</summary>
sealed class LocalhostNames(IDnsResolver resolver) : IDnsResolver
{
    static readonly DomainName s_localhost = DomainName.Parse("localhost");
    static readonly TimeSpan s_ttl = TimeSpan.FromDays(1);

    public ValueTask<DnsAnswer<MxRecord>> MxAsync(DomainName name, CancellationToken cancel) =>
        name.IsWithin(s_localhost) ? Nothing<MxRecord>() : resolver.MxAsync(name, cancel);

    public ValueTask<DnsAnswer<IPAddress>> Ipv4Async(DomainName name, CancellationToken cancel) =>
        name.IsWithin(s_localhost) ? Loopback(name, IPAddress.Loopback) : resolver.Ipv4Async(name, cancel);

    public ValueTask<DnsAnswer<IPAddress>> Ipv6Async(DomainName name, CancellationToken cancel) =>
        name.IsWithin(s_localhost) ? Loopback(name, IPAddress.IPv6Loopback) : resolver.Ipv6Async(name, cancel);

    public ValueTask<DnsAnswer<TlsaRecord>> TlsaAsync(DomainName name, CancellationToken cancel) =>
        name.IsWithin(s_localhost) ? Nothing<TlsaRecord>() : resolver.TlsaAsync(name, cancel);

    public ValueTask<DnsAnswer<string>> TxtAsync(DomainName name, CancellationToken cancel) =>
        name.IsWithin(s_localhost) ? Nothing<string>() : resolver.TxtAsync(name, cancel);

    public ValueTask<DnsAnswer<DomainName>> CnameAsync(DomainName name, CancellationToken cancel) =>
        name.IsWithin(s_localhost) ? Nothing<DomainName>() : resolver.CnameAsync(name, cancel);

    public ValueTask<DnsAnswer<CaaRecord>> CaaAsync(DomainName name, CancellationToken cancel) =>
        name.IsWithin(s_localhost) ? Nothing<CaaRecord>() : resolver.CaaAsync(name, cancel);

    public ValueTask<DnsAnswer<DomainName>> PtrAsync(DomainName name, CancellationToken cancel) =>
        name.IsWithin(s_localhost) ? Nothing<DomainName>() : resolver.PtrAsync(name, cancel);

    static ValueTask<DnsAnswer<T>> Nothing<T>() => ValueTask.FromResult<DnsAnswer<T>>(new DnsAnswer<T>.NoData(DnssecStatus.Secure));

    static ValueTask<DnsAnswer<IPAddress>> Loopback(DomainName name, IPAddress address) =>
        ValueTask.FromResult<DnsAnswer<IPAddress>>(new DnsAnswer<IPAddress>.Found([address], name, DnssecStatus.Secure, s_ttl));
}
