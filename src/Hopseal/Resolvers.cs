using Hopseal.Configuration;
using Hopseal.Dns;

namespace Hopseal;

/// <summary>The resolver of a running program.</summary>
static class Resolvers
{
    const string SystemFile = "/etc/resolv.conf";

    /// <exception cref="IOException">No server is configured, and the system's file cannot be read.</exception>
    public static IDnsResolver Create(DnsSettings settings, TimeProvider clock)
    {
        var system = settings.Servers.IsEmpty ? ResolvConf.Read(SystemFile) : null;
        var options = new TrustedResolverOptions
        {
            Servers = system?.Servers ?? settings.Servers,
            TrustAuthenticData = settings.TrustAuthenticData || system?.TrustAuthenticData == true,
            Timeout = settings.Timeout,
        };
        return new LocalhostNames(new TrustedResolver(options, clock));
    }
}
