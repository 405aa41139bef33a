using System.Collections.Immutable;
using System.Net;
using Hopseal.Dns;

namespace Hopseal.Configuration;

/// <summary>The section <c>Dns</c>.</summary>
/// <param name="Servers">Empty: those of /etc/resolv.conf.</param>
/// <param name="TrustAuthenticData">The AD bit is believed from these servers too, not from loopback only.</param>
/// <param name="Timeout">For one exchange with one server.</param>
/// <param name="Health">Null: nobody looks whether they validate.</param>
sealed record DnsSettings(
    ImmutableArray<IPEndPoint> Servers, bool TrustAuthenticData, TimeSpan Timeout, ResolverHealthSettings? Health = null)
{
    /// <summary>The resolvers of the system, for commands without a configuration.</summary>
    public static DnsSettings Standard { get; } = new([], TrustAuthenticData: false, TimeSpan.FromSeconds(3), ResolverHealthSettings.Standard);

    public static DnsSettings Read(Section section)
    {
        var serversSetting = section.Find("Servers");
        ImmutableArray<IPEndPoint> servers = [.. serversSetting?.Items().Select(item => item.Endpoint(defaultPort: 53)).OfType<IPEndPoint>() ?? []];
        var trustSetting = section.Find("TrustAuthenticData");
        var trust = trustSetting?.Flag() ?? false;
        var seconds = section.Find("TimeoutSeconds")?.Whole(1, 60) ?? 3;
        var health = ResolverHealthSettings.Read(section);
        section.Close();

        if (serversSetting?.Node is ConfigNode.List { Items.Length: > 8 })
        {
            serversSetting.Error("has more than 8 servers");
        }

        return new DnsSettings(servers, trust, TimeSpan.FromSeconds(seconds), health);
    }
}

/// <summary>The keys <c>Dns.Health…</c>: whether the resolvers validate is found out again and again.</summary>
/// <param name="Interval">Between two looks, as long as all is well.</param>
/// <param name="Signed">See <see cref="ResolverProbe"/>.</param>
/// <param name="Bogus">See <see cref="ResolverProbe"/>.</param>
sealed record ResolverHealthSettings(TimeSpan Interval, DomainName Signed, DomainName Bogus)
{
    const int StandardMinutes = 15;
    const int MostMinutes = 24 * 60;

    public static ResolverHealthSettings Standard { get; } = new(
        TimeSpan.FromMinutes(StandardMinutes), DomainName.Parse("ietf.org"), DomainName.Parse("dnssec-failed.org"));

    /// <summary>Null when it is turned off.</summary>
    public static ResolverHealthSettings? Read(Section section)
    {
        var minutes = section.Find("HealthMinutes")?.Whole(0, MostMinutes) ?? StandardMinutes;
        var signedSetting = section.Find("HealthSigned");
        var signed = signedSetting?.Domain() ?? Standard.Signed;
        var bogusSetting = section.Find("HealthBogus");
        var bogus = bogusSetting?.Domain() ?? Standard.Bogus;
        if (signed == bogus)
        {
            (signedSetting ?? bogusSetting)?.Error($"{signed} is {(signedSetting is null ? "HealthSigned" : "HealthBogus")} too: it cannot be both");
        }

        return minutes == 0 ? null : new ResolverHealthSettings(TimeSpan.FromMinutes(minutes), signed, bogus);
    }
}
