using System.Collections.Immutable;
using System.Net;
using System.Net.Sockets;
using Hopseal.Dns;

namespace Hopseal.Audit.Probes;

/// <summary>Whom we ask at once, and whom we do not ask at all.</summary>
public sealed class Manners
{
    const int Ipv4Network = 24;
    const int Ipv6Network = 64;

    readonly Lock _lock = new();
    readonly Dictionary<IPNetwork, (SemaphoreSlim Gate, int Users)> _networks = [];
    readonly ImmutableHashSet<DomainName> _names;
    readonly ImmutableArray<IPNetwork> _ranges;

    Manners(ImmutableHashSet<DomainName> names, ImmutableArray<IPNetwork> ranges) => (_names, _ranges) = (names, ranges);

    /// <summary>Nobody is left out.</summary>
    public static Manners Everybody => new([], []);

    /// <summary>Reads a do-not-scan list: a domain (with all below it), an address or a network in each line; <c>#</c> begins a comment.</summary>
    /// <exception cref="InvalidDataException">A line is none of these; the message says which.</exception>
    public static Manners Read(TextReader list)
    {
        ArgumentNullException.ThrowIfNull(list);
        var names = ImmutableHashSet.CreateBuilder<DomainName>();
        var ranges = ImmutableArray.CreateBuilder<IPNetwork>();
        for (var number = 1; list.ReadLine() is { } line; number++)
        {
            var text = line.Split('#', 2)[0].Trim();
            if (text.Length == 0)
            {
                continue;
            }

            if (IPNetwork.TryParse(text, out var range))
            {
                ranges.Add(range);
            }
            else if (IPAddress.TryParse(text, out var address))
            {
                ranges.Add(new IPNetwork(address, address.AddressFamily == AddressFamily.InterNetwork ? 32 : 128));
            }
            else if (DomainName.TryParse(text, out var name))
            {
                names.Add(name);
            }
            else
            {
                throw new InvalidDataException($"line {number} is no domain, address or network");
            }
        }

        return new Manners(names.ToImmutable(), ranges.ToImmutable());
    }

    public bool MayAsk(DomainName name)
    {
        for (var text = name.Ascii; ; text = text[(text.IndexOf('.', StringComparison.Ordinal) + 1)..])
        {
            if (DomainName.TryParse(text, out var above) && _names.Contains(above))
            {
                return false;
            }

            if (!text.Contains('.', StringComparison.Ordinal))
            {
                return true;
            }
        }
    }

    public bool MayAsk(IPAddress address) => !_ranges.Any(range => range.Contains(address));

    /// <summary>Waits until nobody else of this run asks an address of the same network (/24, /64).</summary>
    internal async Task<IDisposable> EnterAsync(IPAddress address, CancellationToken cancel)
    {
        var network = NetworkOf(address);
        SemaphoreSlim gate;
        lock (_lock)
        {
            var (known, users) = _networks.GetValueOrDefault(network);
            gate = known ?? new SemaphoreSlim(1);
            _networks[network] = (gate, users + 1);
        }

        try
        {
            await gate.WaitAsync(cancel);
        }
        catch
        {
            Leave(network, entered: false);
            throw;
        }

        return new Turn(() => Leave(network, entered: true));
    }

    void Leave(IPNetwork network, bool entered)
    {
        lock (_lock)
        {
            var (gate, users) = _networks[network];
            if (entered)
            {
                gate.Release();
            }

            if (users == 1)
            {
                _networks.Remove(network);
                gate.Dispose();
            }
            else
            {
                _networks[network] = (gate, users - 1);
            }
        }
    }

    static IPNetwork NetworkOf(IPAddress address)
    {
        var octets = address.GetAddressBytes();
        var bits = octets.Length == 4 ? Ipv4Network : Ipv6Network;
        octets.AsSpan(bits / 8).Clear();
        return new IPNetwork(new IPAddress(octets), bits);
    }

    sealed class Turn(Action leave) : IDisposable
    {
        public void Dispose() => leave();
    }
}
