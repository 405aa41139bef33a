using System.Collections.Frozen;
using System.Collections.Immutable;
using System.Net;
using System.Net.Sockets;
using Hopseal.Configuration;
using Hopseal.Policy;
using Hopseal.Relay;
using Hopseal.Relay.Queue;
using Hopseal.Smtp.Server;
using Hopseal.Smtp.Tls;
using Microsoft.Extensions.Logging;

namespace Hopseal.Parts;

/// <summary>How mail comes in: the listeners, and the intake behind them.</summary>
sealed class Receiving
{
    readonly GatewayConfiguration _configuration;
    readonly ServerCertificates _certificates;
    readonly ISessionSink _sessions;
    readonly ImmutableArray<SmtpListener> _listeners;

    public Receiving(
        GatewayConfiguration configuration,
        ServerCertificates certificates,
        PkixCheck pkix,
        MessageQueue queue,
        Spool spool,
        ISessionSink sessions,
        ILoggerFactory logs,
        TimeProvider clock)
    {
        _configuration = configuration;
        _certificates = certificates;
        _sessions = sessions;
        var room = new FreeSpace(configuration.DataDirectory, configuration.Limits.FreeBytes, clock, logs.CreateLogger<FreeSpace>());
        var rules = new InboundRules(configuration.InboundRules);
        var intake = new Intake(
            new IntakeOptions
            {
                Hostname = configuration.Hostname.Ascii,
                Rules = rules,
                AcceptedDomains = AcceptedDomainsOf(configuration.Domains),
                RelayFrom = configuration.Access.RelayFrom,
                HasRoom = room.IsEnough,
                Accepted = message => sessions.TryRecord(message),
            },
            queue, spool, clock, logs.CreateLogger<Intake>());
        var limits = new ConnectionLimits(configuration.Limits.Connections, configuration.Limits.ConnectionsPerAddress);
        _listeners = [.. configuration.Listeners.Select(listener => new SmtpListener(OptionsOf(listener, JudgeClient), limits, intake, Record, clock))];

        Func<PeerChain, PeerVerdict>? JudgeClient(IPAddress client) =>
            rules.AsksForCertificate(client) ? chain => rules.Judge(chain, pkix) : null;
    }

    /// <summary>Where it listens, in the order of the configuration.</summary>
    public ImmutableArray<IPEndPoint> Endpoints => [.. _listeners.Select(listener => listener.Endpoint)];

    /// <exception cref="GatewayStartException">An address cannot be listened on.</exception>
    public async Task StartAsync()
    {
        foreach (var (listener, settings) in _listeners.Zip(_configuration.Listeners))
        {
            try
            {
                await listener.StartAsync();
            }
            catch (SocketException e)
            {
                throw new GatewayStartException($"listener {settings.Name} cannot listen on {settings.Endpoint}: {ListenFault.Describe(e)}", e);
            }
        }
    }

    /// <summary>Takes no new connection, tells idle clients 421, and lets what is in progress end within Limits.ShutdownSeconds.</summary>
    public Task StopAsync() => Task.WhenAll(_listeners.Select(listener => listener.StopAsync(_configuration.Limits.Shutdown)));

    ListenerOptions OptionsOf(ListenerSettings listener, Func<IPAddress, Func<PeerChain, PeerVerdict>?> judgeClient) => new()
    {
        Name = listener.Name,
        Endpoint = listener.Endpoint,
        ProxyFrom = listener.ProxyFrom,
        Server = new ServerOptions
        {
            Hostname = _configuration.Hostname.Ascii,
            PostmasterDomain = _configuration.Domains.Domains.Keys.Select(domain => domain.Ascii).Order(StringComparer.Ordinal).FirstOrDefault(),
            Mode = listener.Mode,
            Authentication = listener.Authentication,
            Certificates = _certificates,
            Credentials = listener.Authentication is AuthenticationUse.None ? null : new ConfiguredUsers(_configuration.Access.Users),
            Protocols = _configuration.Tls.Protocols,
            SessionTickets = _configuration.Tls.SessionTickets,
            JudgeClient = judgeClient,
            MaxMessageOctets = _configuration.Limits.MessageBytes,
            MaxRecipients = _configuration.Limits.Recipients,
            MaxCommandOctets = _configuration.Limits.LineBytes,
            MaxErrors = _configuration.Limits.Errors,
            MaxAuthenticationFailures = _configuration.Limits.AuthenticationFailures,
            CommandTimeout = _configuration.Limits.Command,
            HandshakeTimeout = _configuration.Limits.Handshake,
            MessageTimeout = _configuration.Limits.Message,
        },
    };

    void Record(ServerSessionSummary summary) => _sessions.TryRecord(new SessionRecord.Inbound(summary)
    {
        SessionId = summary.SessionId,
        StartedAt = summary.StartedAt,
        Elapsed = summary.Elapsed,
        Peer = summary.Peer,
        Tls = summary.Tls,
    });

    static AcceptedDomains AcceptedDomainsOf(DomainTable table) => table.Any is null
        ? new AcceptedDomains.Listed(table.Domains.Keys.ToFrozenSet())
        : new AcceptedDomains.Any();
}
