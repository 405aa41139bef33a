using System.Net;

namespace Hopseal.Dns;

/// <summary>Names to records, with their DNSSEC status. Seam: <c>TrustedResolver</c> in production, <c>ZoneResolver</c> for
/// the demo and tests. Implementations never throw for what the network or a server did: that is a
/// <see cref="DnsAnswer{T}.Failed"/>. They throw only when cancelled.</summary>
public interface IDnsResolver
{
    ValueTask<DnsAnswer<MxRecord>> MxAsync(DomainName name, CancellationToken cancel);

    /// <summary>A records.</summary>
    ValueTask<DnsAnswer<IPAddress>> Ipv4Async(DomainName name, CancellationToken cancel);

    /// <summary>AAAA records.</summary>
    ValueTask<DnsAnswer<IPAddress>> Ipv6Async(DomainName name, CancellationToken cancel);
}
