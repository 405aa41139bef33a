using System.Net;

namespace Hopseal.Hosts;

/// <summary>What a mail host is like.</summary>
enum Temper
{
    /// <summary>STARTTLS with TLS 1.2 and 1.3.</summary>
    Good,

    /// <summary>STARTTLS with TLS 1.2 only.</summary>
    Old,

    /// <summary>No STARTTLS.</summary>
    Plain,

    /// <summary>421 for a greeting.</summary>
    Busy,

    /// <summary>450 for a greeting.</summary>
    Greylisting,

    /// <summary>Greets late, then it is good.</summary>
    Slow,

    /// <summary>Takes the connection and never says a word.</summary>
    Silent,

    /// <summary>Nobody listens.</summary>
    Absent,
}

/// <param name="RoundTrip">Between a question and its answer.</param>
sealed record Host(string Name, IPAddress Address, Temper Temper, TimeSpan RoundTrip);

/// <summary>Domains, and where their mail goes: the same for the same number of domains, however often it is made. Of a hundred domains
/// sixty lie at fifty providers, of which the first has the most; nearly all others have a host of their own, half of these in a network for
/// themselves and half at hosters, who have twenty customers in a /24.</summary>
sealed class World
{
    public const int MostDomains = 40_000;

    const int Providers = 50;

    /// <summary>Of 108 domains about twenty are at a hoster: so many are in a /24.</summary>
    const int DomainsForHosterNetwork = 108;

    readonly HostsOptions _options;
    readonly Authority _authority;
    readonly List<Host> _hosts = [];
    readonly List<string> _domains = [];
    int _alone;
    int _hosted;

    public World(HostsOptions options, Authority authority)
    {
        (_options, _authority) = (options, authority);
        for (var provider = 0; provider < Providers; provider++)
        {
            AddProvider(provider);
        }

        for (var number = 0; number < options.Domains; number++)
        {
            AddDomain(number);
        }
    }

    public Zone Zone { get; } = new();

    public IReadOnlyList<Host> Hosts => _hosts;

    public IReadOnlyList<string> Domains => _domains;

    /// <summary>Two hosts with two addresses each, every one in a network of its own.</summary>
    void AddProvider(int provider)
    {
        var temper = provider switch { 30 => Temper.Plain, 40 => Temper.Busy, 45 => Temper.Slow, _ => Temper.Good };
        for (var place = 0; place < 4; place++)
        {
            AddHost($"mx{1 + (place / 2)}.p{provider}.test", new IPAddress([127, 10, (byte)((provider * 4) + place), 25]), temper);
        }
    }

    void AddDomain(int number)
    {
        var name = $"d{number}.test";
        var chance = Chance(number, 1) % 1000;
        _domains.Add(name);
        switch (chance)
        {
            case < 600:
                var provider = ProviderOf(number);
                Zone.AddMx(name, 10, $"mx1.p{provider}.test");
                Zone.AddMx(name, 20, $"mx2.p{provider}.test");
                AddPolicies(name, number);
                break;
            case < 970:
                var signed = Chance(number, 2) % 20 == 0;
                if (signed)
                {
                    Zone.Sign(name);
                }

                Zone.AddMx(name, 10, $"mx.{name}");
                AddOwnHost($"mx.{name}", number, signed);
                AddPolicies(name, number);
                break;
            case < 980:
                AddOwnHost(name, number, signed: false);
                break;
            case < 985:
                Zone.AddMx(name, 0, ".");
                break;
            case < 990:
                Zone.Break(name);
                break;
            default:
                // There is no such domain.
                break;
        }
    }

    void AddOwnHost(string name, int number, bool signed)
    {
        var alone = Chance(number, 3) % 2 == 0;
        var place = alone ? _alone++ : _hosted++;
        var hosters = 1 + (_options.Domains / DomainsForHosterNetwork);
        var network = alone ? place : place % hosters;
        var octet = alone ? 25 : 10 + (place / hosters);
        var address = new IPAddress([127, (byte)((alone ? 20 : 120) + (network / 256)), (byte)(network % 256), (byte)octet]);
        var temper = (Chance(number, 4) % 100) switch
        {
            < 2 => Temper.Absent,
            < 3 => Temper.Busy,
            < 4 => Temper.Greylisting,
            < 5 => Temper.Slow,
            < 6 => Temper.Silent,
            < 10 => Temper.Plain,
            < 15 => Temper.Old,
            _ => Temper.Good,
        };
        AddHost(name, address, temper);
        if (signed && temper is Temper.Good)
        {
            Zone.AddTlsa($"_{_options.MailPort}._tcp.{name}", _authority.KeyDigestOf(name));
        }
    }

    /// <summary>The policy host of MTA-STS refuses connections.</summary>
    void AddPolicies(string name, int number)
    {
        if (Chance(number, 5) % 20 == 0)
        {
            Zone.AddText($"_mta-sts.{name}", "v=STSv1; id=1;");
            Zone.AddAddress($"mta-sts.{name}", new IPAddress([127, 250, 0, 1]));
        }

        if (Chance(number, 6) % 5 == 0)
        {
            Zone.AddText($"_smtp._tls.{name}", $"v=TLSRPTv1; rua=mailto:tls@{name}");
        }
    }

    void AddHost(string name, IPAddress address, Temper temper)
    {
        var octets = address.GetAddressBytes();
        var far = Chance((octets[1] << 16) | (octets[2] << 8) | octets[3], 7) % 1000;
        _hosts.Add(new Host(name, address, temper, TimeSpan.FromMilliseconds(_options.RoundTrip * (1 + (far / 1000.0)))));
        Zone.AddAddress(name, address);
    }

    /// <summary>The first has the most domains, the second half as many, the third a third.</summary>
    static int ProviderOf(int number)
    {
        var all = Enumerable.Range(1, Providers).Sum(rank => 1.0 / rank);
        var left = Chance(number, 8) % 1_000_000 / 1_000_000.0 * all;
        for (var provider = 0; provider < Providers; provider++)
        {
            left -= 1.0 / (provider + 1);
            if (left < 0)
            {
                return provider;
            }
        }

        return Providers - 1;
    }

    /// <summary>Looks like chance, and is the same each time (the last step of MurmurHash3).</summary>
    static uint Chance(int number, uint purpose)
    {
        var mixed = (uint)number + (purpose * 0x9E3779B9);
        mixed = (mixed ^ (mixed >> 16)) * 0x85EBCA6B;
        mixed = (mixed ^ (mixed >> 13)) * 0xC2B2AE35;
        return mixed ^ (mixed >> 16);
    }
}
