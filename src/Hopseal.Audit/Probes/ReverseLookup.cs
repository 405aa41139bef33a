using System.Collections.Immutable;
using System.Net;
using Hopseal.Audit.Facts;
using Hopseal.Dns;

namespace Hopseal.Audit.Probes;

/// <summary>Names of an address, and whether one of them has that address: what receivers look at where the host sends as well
/// (RFC 1912 §2.1).</summary>
sealed class ReverseLookup(IDnsResolver resolver)
{
    /// <summary>Of more names than that, the first ones are looked up.</summary>
    const int MostNames = 4;

    /// <summary>Throws only when cancelled.</summary>
    public async Task<ReverseFacts> FindAsync(IPAddress address, CancellationToken cancel)
    {
        switch (await resolver.PtrAsync(ReverseName.Of(address), cancel))
        {
            case DnsAnswer<DomainName>.Found found:
                ImmutableArray<DomainName> names = [.. found.Records.Distinct().Take(MostNames)];
                var (confirmed, problem) = await ConfirmAsync(names, address, cancel);
                return new ReverseFacts([.. names.Select(name => name.Ascii)], confirmed, problem);
            case DnsAnswer<DomainName>.Failed failed:
                return new ReverseFacts([], null, ProbeTranscript.Clean(failed.Detail));
            default:
                return new ReverseFacts([], null);
        }
    }

    async Task<(bool? Confirmed, string? Problem)> ConfirmAsync(ImmutableArray<DomainName> names, IPAddress address, CancellationToken cancel)
    {
        string? problem = null;
        foreach (var name in names)
        {
            var answer = address.AddressFamily is System.Net.Sockets.AddressFamily.InterNetworkV6
                ? await resolver.Ipv6Async(name, cancel)
                : await resolver.Ipv4Async(name, cancel);
            switch (answer)
            {
                case DnsAnswer<IPAddress>.Found found when found.Records.Contains(address):
                    return (true, null);
                case DnsAnswer<IPAddress>.Failed failed:
                    problem = ProbeTranscript.Clean(failed.Detail);
                    break;
            }
        }

        return (problem is null ? false : null, problem);
    }
}
