using System.Net;
using Hopseal.Dns;

namespace Hopseal.Policy.Tests;

/// <summary>Keeps what was asked, in order.</summary>
sealed class CountingResolver(IDnsResolver inner) : IDnsResolver
{
    /// <summary>For example <c>TLSA _25._tcp.mx.test</c>.</summary>
    public List<string> Questions { get; } = [];

    public ValueTask<DnsAnswer<MxRecord>> MxAsync(DomainName name, CancellationToken cancel) =>
        Asked("MX", name).MxAsync(name, cancel);

    public ValueTask<DnsAnswer<IPAddress>> Ipv4Async(DomainName name, CancellationToken cancel) =>
        Asked("A", name).Ipv4Async(name, cancel);

    public ValueTask<DnsAnswer<IPAddress>> Ipv6Async(DomainName name, CancellationToken cancel) =>
        Asked("AAAA", name).Ipv6Async(name, cancel);

    public ValueTask<DnsAnswer<TlsaRecord>> TlsaAsync(DomainName name, CancellationToken cancel) =>
        Asked("TLSA", name).TlsaAsync(name, cancel);

    public ValueTask<DnsAnswer<string>> TxtAsync(DomainName name, CancellationToken cancel) =>
        Asked("TXT", name).TxtAsync(name, cancel);

    public ValueTask<DnsAnswer<DomainName>> CnameAsync(DomainName name, CancellationToken cancel) =>
        Asked("CNAME", name).CnameAsync(name, cancel);

    public ValueTask<DnsAnswer<CaaRecord>> CaaAsync(DomainName name, CancellationToken cancel) =>
        Asked("CAA", name).CaaAsync(name, cancel);

    public ValueTask<DnsAnswer<DomainName>> PtrAsync(DomainName name, CancellationToken cancel) =>
        Asked("PTR", name).PtrAsync(name, cancel);

    IDnsResolver Asked(string type, DomainName name)
    {
        Questions.Add($"{type} {name}");
        return inner;
    }
}
