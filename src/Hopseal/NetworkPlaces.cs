using System.Net;
using Microsoft.AspNetCore.Connections;

namespace Hopseal;

/// <summary>Places for the connections of each network of clients, so that one that opens many and says nothing leaves some for the others. A network is
/// an IPv4 /24 or an IPv6 /48: what one site gets.</summary>
sealed class NetworkPlaces(int most)
{
    const int Ipv4Octets = 3;
    const int Ipv6Octets = 6;

    readonly Lock _lock = new();
    readonly Dictionary<IPAddress, int> _taken = [];

    /// <summary>Before the handshake: whoever has no place left is closed without a word.</summary>
    public void Guard(IConnectionBuilder connections) => connections.Use(next => async connection =>
    {
        var network = NetworkOf((connection.RemoteEndPoint as IPEndPoint)?.Address ?? IPAddress.None);
        if (!TryEnter(network))
        {
            return;
        }

        try
        {
            await next(connection);
        }
        finally
        {
            Leave(network);
        }
    });

    public static IPAddress NetworkOf(IPAddress address)
    {
        var octets = (address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address).GetAddressBytes();
        octets.AsSpan(octets.Length == 4 ? Ipv4Octets : Ipv6Octets).Clear();
        return new IPAddress(octets);
    }

    bool TryEnter(IPAddress network)
    {
        lock (_lock)
        {
            var taken = _taken.GetValueOrDefault(network);
            if (taken >= most)
            {
                return false;
            }

            _taken[network] = taken + 1;
            return true;
        }
    }

    void Leave(IPAddress network)
    {
        lock (_lock)
        {
            if (_taken[network] is var taken and > 1)
            {
                _taken[network] = taken - 1;
            }
            else
            {
                _taken.Remove(network);
            }
        }
    }
}
