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

    /// <summary>TLSA records (RFC 6698 §2).</summary>
    ValueTask<DnsAnswer<TlsaRecord>> TlsaAsync(DomainName name, CancellationToken cancel);

    /// <summary>TXT records, each with its character-strings put together without anything between them (RFC 7208 §3.3, RFC 8461
    /// §3.1), one char for each octet. Octets that are no UTF-8 are those of U+FFFD instead.</summary>
    ValueTask<DnsAnswer<string>> TxtAsync(DomainName name, CancellationToken cancel);

    /// <summary>The name that this one is an alias of. No chain is followed: the status is that of this one link.</summary>
    ValueTask<DnsAnswer<DomainName>> CnameAsync(DomainName name, CancellationToken cancel);

    /// <summary>CAA records (RFC 8659 §4) of this very name; whoever wants those that apply to it climbs.</summary>
    ValueTask<DnsAnswer<CaaRecord>> CaaAsync(DomainName name, CancellationToken cancel);

    /// <summary>PTR records, which for a name made by <see cref="ReverseName"/> are the names of an address (RFC 1035 §3.5).</summary>
    ValueTask<DnsAnswer<DomainName>> PtrAsync(DomainName name, CancellationToken cancel);
}
