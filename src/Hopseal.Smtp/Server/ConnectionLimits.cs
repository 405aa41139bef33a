using System.Net;
using System.Net.Sockets;

namespace Hopseal.Smtp.Server;

/// <summary>How many connections there may be, over all listeners that share this object, and how many of them from one
/// client. One IPv6 client is a /64: that is what one customer gets, and an address in it costs nothing.</summary>
public sealed class ConnectionLimits(int connections, int perAddress)
{
    const int ClientPrefixOctets = 8;

    readonly Lock _gate = new();
    readonly Dictionary<IPAddress, int> _clients = [];
    int _current;

    /// <summary>Connections open now.</summary>
    public int Current => Volatile.Read(ref _current);

    /// <summary>Takes one place of all; false when there is none.</summary>
    internal bool TryEnter()
    {
        lock (_gate)
        {
            if (_current >= connections)
            {
                return false;
            }

            _current++;
            return true;
        }
    }

    internal void Leave()
    {
        lock (_gate)
        {
            _current--;
        }
    }

    /// <summary>Takes one of the places that each client has; false when it has none left.</summary>
    internal bool TryEnter(IPAddress client)
    {
        var key = KeyOf(client);
        lock (_gate)
        {
            var count = _clients.GetValueOrDefault(key);
            if (count >= perAddress)
            {
                return false;
            }

            _clients[key] = count + 1;
            return true;
        }
    }

    internal void Leave(IPAddress client)
    {
        var key = KeyOf(client);
        lock (_gate)
        {
            var count = _clients.GetValueOrDefault(key) - 1;
            if (count > 0)
            {
                _clients[key] = count;
            }
            else
            {
                _clients.Remove(key);
            }
        }
    }

    static IPAddress KeyOf(IPAddress client)
    {
        if (client.IsIPv4MappedToIPv6)
        {
            return client.MapToIPv4();
        }

        if (client.AddressFamily is not AddressFamily.InterNetworkV6)
        {
            return client;
        }

        Span<byte> octets = stackalloc byte[16];
        client.TryWriteBytes(octets, out _);
        octets[ClientPrefixOctets..].Clear();
        return new IPAddress(octets);
    }
}
