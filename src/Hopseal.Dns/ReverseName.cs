using System.Globalization;
using System.Net;

namespace Hopseal.Dns;

/// <summary>The name under which the names of an address are published.</summary>
public static class ReverseName
{
    /// <summary>Below <c>in-addr.arpa</c> (RFC 1035 §3.5) or <c>ip6.arpa</c> (RFC 3596 §2.5). An IPv4 address in an IPv6 one is an IPv4 address.</summary>
    public static DomainName Of(IPAddress address)
    {
        ArgumentNullException.ThrowIfNull(address);
        var octets = (address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address).GetAddressBytes();
        return DomainName.Parse(octets.Length == 4
            ? $"{string.Join('.', octets.Reverse())}.in-addr.arpa"
            : $"{string.Join('.', octets.Reverse().SelectMany(octet => new[] { Digit(octet & 0xF), Digit(octet >> 4) }))}.ip6.arpa");
    }

    static string Digit(int value) => value.ToString("x", CultureInfo.InvariantCulture);
}
