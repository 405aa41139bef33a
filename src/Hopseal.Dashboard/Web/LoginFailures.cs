using System.Net;
using System.Net.Sockets;

namespace Hopseal.Dashboard.Web;

/// <summary>Counts wrong passwords for each network, so that nobody tries many. Who knows the password and comes from elsewhere is not locked out.</summary>
sealed class LoginFailures(TimeProvider clock)
{
    /// <summary>In one <see cref="Period"/>; after that not even the right password is looked at.</summary>
    public const int Most = 10;

    public static readonly TimeSpan Period = TimeSpan.FromMinutes(10);

    const int MostNetworks = 10_000;
    const int NetworkOctets = 8; // of IPv6: who has one address has the /64

    readonly Lock _lock = new();
    readonly Dictionary<string, (int Count, DateTimeOffset Began)> _byNetwork = new(StringComparer.Ordinal);

    public bool AreTooMany(IPAddress? address)
    {
        lock (_lock)
        {
            return _byNetwork.TryGetValue(NetworkOf(address), out var failures)
                && failures.Began + Period > clock.GetUtcNow()
                && failures.Count >= Most;
        }
    }

    /// <summary>Counts a try before its password is looked at, so that those at the same time are counted as well.</summary>
    /// <returns>False: there were too many.</returns>
    public bool TryAdd(IPAddress? address)
    {
        var network = NetworkOf(address);
        var now = clock.GetUtcNow();
        lock (_lock)
        {
            if (AreTooMany(address))
            {
                return false;
            }

            if (!_byNetwork.TryGetValue(network, out var failures) || failures.Began + Period <= now)
            {
                MakeRoom(now);
                failures = (0, now);
            }

            _byNetwork[network] = (failures.Count + 1, failures.Began);
            return true;
        }
    }

    /// <summary>The password was right: that try does not count.</summary>
    public void TakeBack(IPAddress? address)
    {
        var network = NetworkOf(address);
        lock (_lock)
        {
            if (_byNetwork.TryGetValue(network, out var failures) && failures.Count > 0)
            {
                _byNetwork[network] = (failures.Count - 1, failures.Began);
            }
        }
    }

    void MakeRoom(DateTimeOffset now)
    {
        if (_byNetwork.Count < MostNetworks)
        {
            return;
        }

        foreach (var over in _byNetwork.Where(pair => pair.Value.Began + Period <= now).Select(pair => pair.Key).ToList())
        {
            _byNetwork.Remove(over);
        }

        if (_byNetwork.Count >= MostNetworks)
        {
            _byNetwork.Remove(_byNetwork.MinBy(pair => pair.Value.Began).Key);
        }
    }

    static string NetworkOf(IPAddress? address)
    {
        if (address is null)
        {
            return "";
        }

        var bare = address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;
        return bare.AddressFamily is AddressFamily.InterNetworkV6 ? Convert.ToHexString(bare.GetAddressBytes()[..NetworkOctets]) : bare.ToString();
    }
}
