using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Hopseal.Hosts;

/// <summary>How the hosts were asked, as they see it.</summary>
sealed class Tally
{
    const int Tcp = 6;
    const int TcpInfo = 11;
    const byte Established = 1;

    readonly Lock _lock = new();
    readonly Dictionary<IPAddress, int> _connections = [];
    readonly Dictionary<int, List<Socket>> _open = [];
    int _questions;
    int _mostOfNetwork;

    public void Question() => Interlocked.Increment(ref _questions);

    /// <summary>Notes a connection, and how many others of its network the client had open when it came.</summary>
    public void Opened(IPAddress address, Socket socket)
    {
        lock (_lock)
        {
            _connections[address] = _connections.GetValueOrDefault(address) + 1;
            var network = NetworkOf(address);
            if (!_open.TryGetValue(network, out var open))
            {
                _open[network] = open = [];
            }

            open.Add(socket);
            _mostOfNetwork = Math.Max(_mostOfNetwork, open.Count(IsOpen));
        }
    }

    public void Closed(IPAddress address, Socket socket)
    {
        lock (_lock)
        {
            _open[NetworkOf(address)].Remove(socket);
            socket.Dispose();
        }
    }

    /// <summary>What was seen since the last time.</summary>
    public string TakeJson()
    {
        lock (_lock)
        {
            var most = _connections.Values.DefaultIfEmpty().Max();
            var json = string.Create(
                CultureInfo.InvariantCulture,
                $"{{\"connections\":{_connections.Values.Sum()},\"addresses\":{_connections.Count},\"mostToAnAddress\":{most},\"mostAtOnceToANetwork\":{_mostOfNetwork},\"questions\":{_questions}}}");
            _connections.Clear();
            (_mostOfNetwork, _questions) = (0, 0);
            return json;
        }
    }

    /// <summary>Whether the client still has it open: it may have gone before we noticed.</summary>
    static bool IsOpen(Socket socket)
    {
        Span<byte> state = stackalloc byte[1];
        return socket.GetRawSocketOption(Tcp, TcpInfo, state) == 1 && state[0] == Established;
    }

    static int NetworkOf(IPAddress address)
    {
        var octets = address.GetAddressBytes();
        return (octets[0] << 16) | (octets[1] << 8) | octets[2];
    }
}
