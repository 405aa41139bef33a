using System.Net;

namespace Hopseal.Relay;

/// <summary>A network of clients. An IPv4 network holds its addresses in their IPv6-mapped form too, as a socket for both families
/// shows them, and the other way round.</summary>
readonly record struct ClientNetwork
{
    const int MappedBits = 96;

    readonly IPNetwork _network;

    public ClientNetwork(IPNetwork network) => _network =
        network.BaseAddress.IsIPv4MappedToIPv6 && network.PrefixLength >= MappedBits
            ? new IPNetwork(network.BaseAddress.MapToIPv4(), network.PrefixLength - MappedBits)
            : network;

    public bool Holds(IPAddress client) => _network.Contains(client.IsIPv4MappedToIPv6 ? client.MapToIPv4() : client);
}
