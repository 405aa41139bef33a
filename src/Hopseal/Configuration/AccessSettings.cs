using System.Collections.Immutable;
using System.Net;
using System.Net.Sockets;
using Hopseal.Smtp.Server;

namespace Hopseal.Configuration;

/// <summary>Who may send mail to anywhere: the networks of <c>RelayFrom</c> and the people of <c>Users</c>.</summary>
sealed record AccessSettings(ImmutableArray<IPNetwork> RelayFrom, ImmutableDictionary<string, PasswordHash> Users)
{
    // Nobody's own network is wider than these: 10.0.0.0/8, fc00::/7.
    const int WidestIpv4 = 8;
    const int WidestIpv6 = 7;

    // ::ffff:0:0/96 is all of IPv4 (RFC 4291 §2.5.5.2).
    const int MappedBits = 96;

    public static AccessSettings Read(Section root)
    {
        var networks = ImmutableArray.CreateBuilder<IPNetwork>();
        foreach (var item in root.Find("RelayFrom")?.Items() ?? [])
        {
            if (item.Network() is not { } network)
            {
                continue;
            }

            networks.Add(network);
            var widest = network.BaseAddress switch
            {
                { AddressFamily: AddressFamily.InterNetwork } => WidestIpv4,
                { IsIPv4MappedToIPv6: true } => MappedBits + WidestIpv4,
                _ => WidestIpv6,
            };
            if (network.PrefixLength < widest)
            {
                item.Error($"{network} would make this an open relay: /{widest} is the widest network that can be somebody's own");
            }
        }

        return new AccessSettings(networks.ToImmutable(), ReadUsers(root));
    }

    /// <summary>The key <c>Users</c> of a section.</summary>
    public static ImmutableDictionary<string, PasswordHash> ReadUsers(Section root)
    {
        var users = ImmutableDictionary.CreateBuilder<string, PasswordHash>(StringComparer.Ordinal);
        var keys = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var section in root.Children("Users"))
        {
            var nameSetting = section.Require("Name");
            var name = nameSetting?.Text();
            var hashSetting = section.Require("PasswordHash");
            var text = hashSetting?.Text();
            section.Close();

            PasswordHash? hash = null;
            if (text is not null && !PasswordHash.TryParse(text, out hash))
            {
                // The text itself is never shown: it may be the password.
                hashSetting?.Error("is no password hash: `hopseal config hash-password` makes one");
            }

            if (name is not null && !keys.TryAdd(name, section.Key))
            {
                nameSetting?.Error($"{keys[name]} is named {Shown.Text(name)} already");
            }
            else if (name is not null && hash is not null)
            {
                users.Add(name, hash);
            }
        }

        return users.ToImmutable();
    }
}
