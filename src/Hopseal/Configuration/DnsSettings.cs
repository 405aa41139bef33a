using System.Collections.Immutable;
using System.Net;

namespace Hopseal.Configuration;

/// <summary>The section <c>Dns</c>.</summary>
/// <param name="Servers">Empty: those of /etc/resolv.conf.</param>
/// <param name="TrustAuthenticData">The AD bit is believed from these servers too, not from loopback only.</param>
/// <param name="Timeout">For one exchange with one server.</param>
sealed record DnsSettings(ImmutableArray<IPEndPoint> Servers, bool TrustAuthenticData, TimeSpan Timeout)
{
    public static DnsSettings Read(Section section)
    {
        var serversSetting = section.Find("Servers");
        ImmutableArray<IPEndPoint> servers = [.. serversSetting?.Items().Select(item => item.Endpoint(defaultPort: 53)).OfType<IPEndPoint>() ?? []];
        var trustSetting = section.Find("TrustAuthenticData");
        var trust = trustSetting?.Flag() ?? false;
        var seconds = section.Find("TimeoutSeconds")?.Whole(1, 60) ?? 3;
        section.Close();

        if (serversSetting?.Node is ConfigNode.List { Items.Length: > 8 })
        {
            serversSetting.Error("has more than 8 servers");
        }

        return new DnsSettings(servers, trust, TimeSpan.FromSeconds(seconds));
    }
}
