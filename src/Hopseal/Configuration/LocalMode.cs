using System.Collections.Immutable;
using System.Net;
using System.Security.Authentication;
using Hopseal.Dns;
using Hopseal.Policy;
using Hopseal.Smtp.Server;
using Hopseal.Smtp.Tls;
using Microsoft.Extensions.Logging;

namespace Hopseal.Configuration;

/// <summary>The gateway without a configuration, for trying it out: it listens on loopback, makes its own certificates, and keeps mail
/// for any domain in a Maildir. Nothing leaves the machine.</summary>
static class LocalMode
{
    public const string DirectoryName = "hopseal-data";

    /// <summary>Not a secret: the ports are on loopback, and whoever reaches them can send without it.</summary>
    public const string User = "test";

    public const string Password = "test";

    // Enough to be valid; there is nothing to protect.
    const int Iterations = 4096;

    /// <summary>Makes the data directory with an authority and a certificate in it, if they are not there yet.</summary>
    /// <exception cref="IOException">The directory cannot be written.</exception>
    public static GatewayConfiguration Prepare(string currentDirectory, LocalPorts ports, TimeProvider clock)
    {
        var directory = Path.Combine(currentDirectory, DirectoryName);
        using var authority = LocalAuthority.LoadOrCreate(directory, "Hopseal local authority", clock);
        var certificate = authority.IssueFiles(directory, "localhost", "localhost", "127.0.0.1", "::1");
        return new GatewayConfiguration
        {
            Hostname = DomainName.Parse("localhost"),
            DataDirectory = directory,
            Listeners =
            [
                Listener("starttls", ports.StartTls, ListenerMode.StartTls, AuthenticationUse.None),
                Listener("submission", ports.StartTlsRequired, ListenerMode.StartTlsRequired, AuthenticationUse.Optional),
                Listener("submissions", ports.ImplicitTls, ListenerMode.ImplicitTls, AuthenticationUse.Optional),
            ],
            Certificates = [certificate],
            Tls = new TlsSettings(SslProtocols.None, SessionTickets: true),
            Domains = new DomainTable(
                ImmutableDictionary<DomainName, DomainRoute>.Empty,
                new DomainRoute(NextHop: null, Floor: null, MaildirOf(directory))),
            Access = new AccessSettings(
                [],
                ImmutableDictionary<string, PasswordHash>.Empty.Add(User, PasswordHash.Create(Password, Iterations))),
            Limits = new LimitSettings(),
            Outbound = OutboundSettings.Standard,
            Dns = DnsSettings.Standard with { Health = null },
            Dashboard = DashboardSettings.OnLoopback(ports.Dashboard),
            Log = new LogSettings(LogFormat.Automatic, LogLevel.Information),
        };
    }

    public static string MaildirOf(string directory) => Path.Combine(directory, "mail");

    public static string AuthorityOf(string directory) => Path.Combine(directory, "ca.pem");

    static ListenerSettings Listener(string name, int port, ListenerMode mode, AuthenticationUse authentication) =>
        new(name, new IPEndPoint(IPAddress.Loopback, port), mode, authentication, []);
}

/// <summary>The loopback ports of local mode.</summary>
sealed record LocalPorts(int StartTls, int StartTlsRequired, int ImplicitTls, int Dashboard)
{
    public static LocalPorts Standard { get; } = new(2525, 5870, 4650, DashboardSettings.StandardPort);
}
