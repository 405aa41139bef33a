using System.Collections.Immutable;
using Hopseal.Dns;
using Hopseal.Policy;
using Hopseal.Smtp.Tls;

namespace Hopseal.Configuration;

/// <summary>The section <c>Domains</c>: mail we accept from anyone, and where it goes.</summary>
/// <param name="Any">The entry <c>*</c>: only with a Maildir, because relaying for every domain is an open relay.</param>
sealed record DomainTable(ImmutableDictionary<DomainName, DomainRoute> Domains, DomainRoute? Any)
{
    public static DomainTable Read(Section section, string directory)
    {
        var domains = ImmutableDictionary.CreateBuilder<DomainName, DomainRoute>();
        DomainRoute? any = null;
        foreach (var (member, setting) in section.Members())
        {
            var entry = setting.Section();
            var route = entry is null ? null : ReadRoute(entry, directory);
            if (member.Name == "*")
            {
                any = route;
                if (route is { Maildir: null })
                {
                    entry?.Error("would relay for every domain, as an open relay: \"*\" takes a Maildir only");
                }
            }
            else if (!DomainName.TryParse(member.Name, out var name))
            {
                setting.Error($"{Shown.Text(member.Name)} is not a domain name");
            }
            else if (domains.ContainsKey(name))
            {
                setting.Error($"is here a second time, as {name}");
            }
            else if (route is not null)
            {
                domains.Add(name, route);
            }
        }

        return new DomainTable(domains.ToImmutable(), any);
    }

    static DomainRoute ReadRoute(Section section, string directory)
    {
        var nextHopSetting = section.Find("NextHop");
        var nextHop = nextHopSetting?.NextHop();
        var floorSetting = section.Find("Tls");
        var floor = floorSetting?.Choice<SecurityFloor>();
        var maildirSetting = section.Find("Maildir");
        var maildir = maildirSetting?.Path(directory);
        section.Close();

        if (nextHopSetting is not null && maildirSetting is not null)
        {
            section.Error("has both a NextHop and a Maildir");
        }

        if (nextHopSetting is null && maildirSetting is null)
        {
            section.Warn("has no NextHop and no Maildir: its mail goes on to its MX hosts, as from a backup MX");
        }

        if (maildirSetting is not null && floorSetting is not null)
        {
            floorSetting.Error("means nothing for a Maildir: the mail does not leave this machine");
        }

        CheckNamed(floorSetting, floor, nextHop);
        return new DomainRoute(nextHop, floor, maildir);
    }

    /// <summary>Certificates prove names; a hop known by address only can never be authenticated.</summary>
    public static void CheckNamed(Setting? floorSetting, SecurityFloor? floor, NextHop? hop)
    {
        if (floor is SecurityFloor.Authenticated && hop is { Host: null })
        {
            floorSetting?.Error($"Authenticated needs a host name, and {hop.Address} is an address");
        }
    }
}
