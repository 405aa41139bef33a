using System.Collections.Immutable;
using System.Net;

namespace Hopseal.Smtp.Server;

/// <summary>One address that mail is received on.</summary>
public sealed record ListenerOptions
{
    /// <summary>For logs and records.</summary>
    public required string Name { get; init; }

    /// <summary>IPv4 or IPv6; an IPv6 endpoint takes IPv6 only. Port 0 lets the system choose.</summary>
    public required IPEndPoint Endpoint { get; init; }

    public required ServerOptions Server { get; init; }

    /// <summary>The proxies in front of us. Whoever connects from here must begin with a PROXY header; from anybody else one is
    /// never looked at, or every client could choose its address.</summary>
    public ImmutableArray<IPNetwork> ProxyFrom { get; init; } = [];

    internal bool IsProxy(IPAddress peer)
    {
        var plain = peer.IsIPv4MappedToIPv6 ? peer.MapToIPv4() : peer;
        return ProxyFrom.Any(network => network.Contains(plain));
    }
}
