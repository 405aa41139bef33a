using System.Collections.Immutable;
using System.Net;
using System.Net.Sockets;
using Hopseal.Dns;

namespace Hopseal.Policy;

/// <summary>The addresses of one host, as they are to be tried.</summary>
/// <param name="Found">IPv6 and IPv4 in turn, IPv6 first; at most <see cref="MaxAddresses"/>.</param>
/// <param name="Failure">Why there are none.</param>
/// <param name="Known">False when a look-up failed, so that there may be addresses after all.</param>
/// <param name="Status">See <see cref="PlannedHost.AddressStatus"/>.</param>
/// <param name="Owner">The name that holds the addresses, after any aliases.</param>
public sealed record HostAddresses(
    ImmutableArray<IPAddress> Found, string? Failure, bool Known, DnssecStatus Status = DnssecStatus.Insecure, DomainName? Owner = null)
{
    const int MaxAddresses = 20;

    /// <summary>The host, with what was found out about its addresses.</summary>
    public PlannedHost Of(PlannedHost host) => host with
    {
        Addresses = Found,
        AddressFailure = Failure,
        AddressStatus = Status,
        ExpandedName = Owner == host.Name ? null : Owner,
    };

    /// <summary>Throws only when cancelled.</summary>
    public static async Task<HostAddresses> FindAsync(IDnsResolver resolver, DomainName host, CancellationToken cancel)
    {
        var asking6 = resolver.Ipv6Async(host, cancel).AsTask();
        var asking4 = resolver.Ipv4Async(host, cancel).AsTask();
        await Task.WhenAll(asking6, asking4);
        var (answer6, answer4) = (await asking6, await asking4);
        var found = InTurn(Records(answer6), Records(answer4));
        if (!found.IsEmpty)
        {
            var owners = new[] { answer6, answer4 }.OfType<DnsAnswer<IPAddress>.Found>().ToArray();
            return new HostAddresses(found, null, Known: true, StatusOf(answer6, answer4), owners[0].Owner);
        }

        DnsAnswer<IPAddress>[] answers = [answer6, answer4];
        var failures = string.Join("; ", answers.OfType<DnsAnswer<IPAddress>.Failed>().Select(failed => failed.Detail));
        if (failures.Length > 0)
        {
            return new HostAddresses([], failures, Known: false);
        }

        var why = answer4 is DnsAnswer<IPAddress>.NameError ? $"{host} does not exist" : $"{host} has no address";
        return new HostAddresses([], why, Known: true);
    }

    /// <summary>Whether a connection to this address can be meant: the unspecified address would reach ourselves, a
    /// multicast or broadcast address many.</summary>
    public static bool IsHost(IPAddress address) => address.AddressFamily == AddressFamily.InterNetworkV6
        ? !address.IsIPv6Multicast && !address.Equals(IPAddress.IPv6Any) && (!address.IsIPv4MappedToIPv6 || IsHost(address.MapToIPv4()))
        : address.GetAddressBytes()[0] is > 0 and < 224;

    /// <summary>Secure when one of the answers is: what is signed is the name's zone, which both families share, and it may hold TLSA
    /// records, so that a family whose answer fails or is forged away must not decide that there are none (RFC 7672 §2.2.2). Insecure
    /// only by an answer that says so.</summary>
    static DnssecStatus StatusOf(params ReadOnlySpan<DnsAnswer<IPAddress>> answers)
    {
        foreach (var answer in answers)
        {
            if (answer is DnsAnswer<IPAddress>.Found { Status: DnssecStatus.Secure } or DnsAnswer<IPAddress>.NoData { Status: DnssecStatus.Secure })
            {
                return DnssecStatus.Secure;
            }
        }

        return DnssecStatus.Insecure;
    }

    static ImmutableArray<IPAddress> Records(DnsAnswer<IPAddress> answer) =>
        answer is DnsAnswer<IPAddress>.Found found ? found.Records : [];

    // A host with both is reachable by both more often than not, and the second attempt should not repeat what failed in the first.
    static ImmutableArray<IPAddress> InTurn(ImmutableArray<IPAddress> v6, ImmutableArray<IPAddress> v4)
    {
        var (first, second) = (v6.Where(IsHost).Distinct().ToArray(), v4.Where(IsHost).Distinct().ToArray());
        var found = ImmutableArray.CreateBuilder<IPAddress>();
        for (var i = 0; i < Math.Max(first.Length, second.Length); i++)
        {
            found.AddRange(first.Skip(i).Take(1));
            found.AddRange(second.Skip(i).Take(1));
        }

        return [.. found.Take(MaxAddresses)];
    }
}
