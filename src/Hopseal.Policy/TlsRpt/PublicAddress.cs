using System.Collections.Immutable;
using System.Net;
using System.Net.Sockets;

namespace Hopseal.Policy.TlsRpt;

/// <summary>Tells addresses of the public Internet from those inside somebody's network: who writes a URI into DNS must not be able to make us post
/// to machines that only we reach.</summary>
static class PublicAddress
{
    // What the IANA registries of special-purpose addresses do not call global (RFC 6890 §2.2).
    static readonly ImmutableArray<IPNetwork> s_special =
    [
        .. new[]
        {
            "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24",
            "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/3",
            "2001::/23", "2001:db8::/32",
        }.Select(text => IPNetwork.Parse(text)),
    ];

    static readonly IPNetwork s_global = IPNetwork.Parse("2000::/3");
    static readonly IPNetwork s_sixToFour = IPNetwork.Parse("2002::/16");
    static readonly IPNetwork s_translated = IPNetwork.Parse("64:ff9b::/96");

    /// <summary>An address that holds an IPv4 address (RFC 4291 §2.5.5.2, RFC 6052 §2.1, RFC 3056 §2) is what that one is.</summary>
    public static bool Is(IPAddress address)
    {
        if (address.IsIPv4MappedToIPv6)
        {
            return Is(address.MapToIPv4());
        }

        if (address.AddressFamily is AddressFamily.InterNetwork)
        {
            return !s_special.Any(network => network.Contains(address));
        }

        var octets = address.GetAddressBytes();
        return s_translated.Contains(address) ? Is(new IPAddress(octets.AsSpan(12, 4)))
            : s_sixToFour.Contains(address) ? Is(new IPAddress(octets.AsSpan(2, 4)))
            : s_global.Contains(address) && !s_special.Any(network => network.Contains(address));
    }
}
