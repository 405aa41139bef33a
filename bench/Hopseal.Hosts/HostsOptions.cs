using System.Globalization;

namespace Hopseal.Hosts;

/// <summary>The command line: single letters, values behind them, the directory last.</summary>
sealed record HostsOptions
{
    public int Domains { get; private set; } = 10_000;

    public int DnsPort { get; private set; } = 24653;

    public int MailPort { get; private set; } = 24625;

    /// <summary>Milliseconds of a round trip to the nearest mail host; the farthest takes twice as long.</summary>
    public int RoundTrip { get; private set; } = 50;

    /// <summary>Milliseconds of the fastest answer of DNS; the slowest takes three times as long.</summary>
    public int Answer { get; private set; } = 10;

    /// <summary>How long a slow host waits before its greeting.</summary>
    public TimeSpan Slowness { get; private set; } = TimeSpan.FromSeconds(20);

    public string Directory { get; private set; } = ".";

    /// <summary>Null when it is no command line of ours.</summary>
    public static HostsOptions? Parse(string[] arguments)
    {
        if (arguments.Length % 2 == 0)
        {
            return null;
        }

        var options = new HostsOptions { Directory = arguments[^1] };
        try
        {
            for (var i = 0; i < arguments.Length - 1; i += 2)
            {
                if (!options.Set(arguments[i], int.Parse(arguments[i + 1], NumberStyles.None, CultureInfo.InvariantCulture)))
                {
                    return null;
                }
            }
        }
        catch (Exception e) when (e is FormatException or OverflowException)
        {
            return null;
        }

        return options.Domains is > 0 and <= World.MostDomains ? options : null;
    }

    bool Set(string letter, int value)
    {
        switch (letter)
        {
            case "-n": Domains = value; break;
            case "-d": DnsPort = value; break;
            case "-p": MailPort = value; break;
            case "-l": RoundTrip = value; break;
            case "-q": Answer = value; break;
            case "-s": Slowness = TimeSpan.FromSeconds(value); break;
            default: return false;
        }

        return true;
    }
}
