using System.Globalization;
using System.Net;
using System.Security.Authentication;

namespace Hopseal.Load;

enum LoadMode
{
    Handshake,
    Message,
    Sink,
    Silent,
}

enum Transport
{
    Plain,
    StartTls,
    Implicit,
}

/// <summary>The command line: single letters, values behind them, the port last.</summary>
sealed record LoadOptions
{
    public required LoadMode Mode { get; init; }

    public Transport Transport { get; private set; } = Transport.StartTls;

    public int Connections { get; private set; } = 10;

    public int PerConnection { get; private set; } = 1;

    public int Size { get; private set; } = 1024;

    public TimeSpan Measured { get; private set; } = TimeSpan.FromSeconds(2);

    public TimeSpan WarmUp { get; private set; } = TimeSpan.FromSeconds(0.3);

    /// <summary>Sessions, or messages of a sink; 0 for no end.</summary>
    public long Count { get; private set; }

    public SslProtocols Protocols { get; private set; } = SslProtocols.None;

    public bool Pipelining { get; private set; }

    public string From { get; private set; } = "load@example.org";

    public string Recipient { get; private set; } = "user@example.test";

    public int Destinations { get; private set; } = 1;

    public string? Certificate { get; private set; }

    public string? Key { get; private set; }

    public int Addresses { get; private set; }

    public IPAddress FirstAddress { get; private set; } = new([127, 1, 0, 1]);

    public int Port { get; private set; }

    /// <summary>Null when it is no command line of ours.</summary>
    public static LoadOptions? Parse(string[] arguments)
    {
        if (arguments.Length < 2
            || !Enum.TryParse<LoadMode>(arguments[0], ignoreCase: true, out var mode)
            || !int.TryParse(arguments[^1], NumberStyles.None, CultureInfo.InvariantCulture, out var port))
        {
            return null;
        }

        var options = new LoadOptions { Mode = mode, Port = port };
        for (var at = 1; at < arguments.Length - 1; at++)
        {
            if (arguments[at] == "-P")
            {
                options.Pipelining = true;
            }
            else if (at + 1 >= arguments.Length - 1 || !options.TrySet(arguments[at], arguments[++at]))
            {
                return null;
            }
        }

        return options;
    }

    bool TrySet(string option, string value)
    {
        switch (option)
        {
            case "-t": Transport = Enum.Parse<Transport>(value, ignoreCase: true); break;
            case "-c": Connections = Whole(value); break;
            case "-k": PerConnection = Whole(value); break;
            case "-s": Size = Whole(value); break;
            case "-d": Measured = Seconds(value); break;
            case "-w": WarmUp = Seconds(value); break;
            case "-n": Count = Whole(value); break;
#pragma warning disable CA5398 // naming the version is the purpose of this option
            case "-v": Protocols = value == "1.2" ? SslProtocols.Tls12 : SslProtocols.Tls13; break;
#pragma warning restore CA5398
            case "-f": From = value; break;
            case "-R": Recipient = value; break;
            case "-M": Destinations = Whole(value); break;
            case "-C": Certificate = value; break;
            case "-K": Key = value; break;
            case "-A": Addresses = Whole(value); break;
            case "-B": FirstAddress = IPAddress.Parse(value); break;
            default: return false;
        }

        return true;
    }

    static int Whole(string value) => int.Parse(value, NumberStyles.None, CultureInfo.InvariantCulture);

    static TimeSpan Seconds(string value) => TimeSpan.FromSeconds(double.Parse(value, CultureInfo.InvariantCulture));
}
