using System.Collections.Immutable;
using System.Net;

namespace Hopseal.Dns;

/// <summary>What <c>resolv.conf</c>(5) says that matters here: which servers, and whether their AD bit is to be believed.</summary>
/// <param name="Servers">One to three, port 53.</param>
/// <param name="TrustAuthenticData"><c>options trust-ad</c> is set.</param>
public sealed record ResolvConf(ImmutableArray<IPEndPoint> Servers, bool TrustAuthenticData)
{
    const int DnsPort = 53;

    // As many as the C library asks (MAXNS).
    const int MaxServers = 3;

    /// <summary>A missing file means the server on this machine, as it does to every other program.</summary>
    /// <exception cref="IOException">The file exists and cannot be read.</exception>
    /// <exception cref="UnauthorizedAccessException">The file may not be read.</exception>
    public static ResolvConf Read(string path) => Parse(File.Exists(path) ? File.ReadAllText(path) : "");

    public static ResolvConf Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        var servers = ImmutableArray.CreateBuilder<IPEndPoint>();
        var trust = false;
        foreach (var line in text.Split('\n'))
        {
            var words = line.Split((char[])[' ', '\t', '\r'], StringSplitOptions.RemoveEmptyEntries);
            switch (words)
            {
                case ["nameserver", var address, ..] when servers.Count < MaxServers && IPAddress.TryParse(address, out var parsed):
                    servers.Add(new IPEndPoint(parsed, DnsPort));
                    break;
                case ["options", .. var options]:
                    trust |= options.Contains("trust-ad");
                    break;
            }
        }

        return new ResolvConf(servers.Count == 0 ? [new IPEndPoint(IPAddress.Loopback, DnsPort)] : servers.DrainToImmutable(), trust);
    }
}
