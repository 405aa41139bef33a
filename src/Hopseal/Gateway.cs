using System.Collections.Frozen;
using System.Collections.Immutable;
using System.Net;
using System.Net.Sockets;
using Hopseal.Configuration;
using Hopseal.Control;
using Hopseal.Dns;
using Hopseal.Policy;
using Hopseal.Policy.Dane;
using Hopseal.Policy.MtaSts;
using Hopseal.Relay;
using Hopseal.Relay.Attempt;
using Hopseal.Relay.Dsn;
using Hopseal.Relay.Queue;
using Hopseal.Relay.Stores.Sqlite;
using Hopseal.Rollover;
using Hopseal.Smtp.Client;
using Hopseal.Smtp.Server;
using Hopseal.Smtp.Tls;
using Microsoft.Extensions.Logging;

namespace Hopseal;

/// <summary>The composition root: every part of a running gateway, made in the order in which a message meets them.</summary>
sealed class Gateway : IAsyncDisposable
{
    static readonly TimeSpan s_certificateInterval = TimeSpan.FromSeconds(5);
    static readonly TimeSpan s_provenTlsInterval = TimeSpan.FromSeconds(5);
    static readonly TimeSpan s_ruleInterval = TimeSpan.FromMinutes(1);
    static readonly TimeSpan s_policyInterval = TimeSpan.FromMinutes(5);

    readonly GatewayConfiguration _configuration;
    readonly TimeProvider _clock;
    readonly ServerCertificates _certificates;
    readonly CertificateWatch _watch;
    readonly OwnTlsa _ownTlsa;
    readonly TlsaWatch _tlsa;
    readonly CertificateCopies _copies;
    readonly SqliteQueueStore _store;
    readonly MessageQueue _queue;
    readonly ProvenTlsKeeper _proven;
    readonly StsPolicyKeeper _policyKeeper;
    readonly StsPolicies _policies;
    readonly RuleWatch _rules;
    readonly ResolverWatch? _resolver;
    readonly SessionFanout _sessions;
    readonly Deliverer _deliverer;
    readonly QueueRunner _runner;
    readonly DelayWatch? _delays;
    readonly ImmutableArray<SmtpListener> _listeners;
    readonly ControlOperations _operations;
    readonly ILoggerFactory _logs;
    readonly CancellationTokenSource _stop = new();
    readonly List<Task> _background = [];
    ControlServer? _control;
    StsPolicyServer? _policyServer;

    Gateway(GatewayConfiguration configuration, ILoggerFactory logs, TimeProvider clock, IDnsResolver? zone, ISessionSink? observer, int? policyPort)
    {
        _configuration = configuration;
        _logs = logs;
        _clock = clock;
        var hostname = configuration.Hostname.Ascii;

        // Whom we show ourselves as, and whom we trust.
        var resolver = zone ?? Resolvers.Create(configuration.Dns, clock);
        var dane = new DaneCheck(clock);
        _ownTlsa = new OwnTlsa(configuration.MxNames, new TlsaAcceptance(dane), clock);
        var history = new TlsaHistoryFile(RolloverFiles.History(configuration.DataDirectory));
        _tlsa = new TlsaWatch(_ownTlsa, history, resolver, clock, logs.CreateLogger<TlsaWatch>());
        _tlsa.Restore();
        _copies = new CertificateCopies(RolloverFiles.Copies(configuration.DataDirectory), logs.CreateLogger<CertificateCopies>());
        _certificates = ServerCertificates.Load(configuration.Certificates, clock, _ownTlsa.Rollover(_copies.Find, _tlsa.TellLoss));
        var shown = ClientCertificates.Load(
            configuration.Outbound.Rules.Select(rule => rule.Rule.ClientCertificate).OfType<CertificateFiles>(), clock);
        _watch = new CertificateWatch(_certificates, shown, logs.CreateLogger<CertificateWatch>());
        var roots = TrustedRoots.Load(configuration.Roots);
        _resolver = zone is null && Resolvers.Probe(configuration.Dns, clock) is { } probe
            ? new ResolverWatch(probe.CheckAsync, configuration.Dns.Health!.Interval, clock, logs.CreateLogger<ResolverWatch>())
            : null;

        // Where mail is kept. From here on there is something to dispose.
        _store = SqliteQueueStore.Open(configuration.DataDirectory, logs.CreateLogger<SqliteQueueStore>());
        _queue = new MessageQueue(_store, configuration.Outbound.Schedule, clock, logs.CreateLogger<MessageQueue>());
        var proven = new ProvenTlsMemory(clock, configuration.Outbound.RememberTls);
        var provenFile = ProvenTlsFile.In(configuration.DataDirectory);
        _proven = new ProvenTlsKeeper(proven, provenFile, logs.CreateLogger<ProvenTlsKeeper>());
        var policyFile = new StsPolicyFile(Path.Combine(configuration.DataDirectory, StsPolicyFile.Name));
        _policyKeeper = new StsPolicyKeeper(policyFile, clock, logs.CreateLogger<StsPolicyKeeper>());
        var pkix = new PkixCheck(roots, clock);
        var policyFetch = policyPort is { } port ? new StsFetch(resolver, pkix, clock) { Port = port } : new StsFetch(resolver, pkix, clock);
        _policies = new StsPolicies(resolver, policyFetch, clock, new StsOptions { Tell = _policyKeeper.Tell });
        ISessionSink log = new SessionLog(logs.CreateLogger<SessionLog>());
        var stripping = new StrippingWatch();
        var alerts = new StrippingAlerts(stripping, logs.CreateLogger<StrippingAlerts>());
        _sessions = new SessionFanout(observer is null ? [log, alerts] : [log, alerts, observer], logs.CreateLogger<SessionFanout>());

        // How it comes in.
        var room = new FreeSpace(configuration.DataDirectory, configuration.Limits.FreeBytes, clock, logs.CreateLogger<FreeSpace>());
        var rules = new InboundRules(configuration.InboundRules);
        var intake = new Intake(
            new IntakeOptions
            {
                Hostname = hostname,
                Rules = rules,
                AcceptedDomains = AcceptedDomainsOf(configuration.Domains),
                RelayFrom = configuration.Access.RelayFrom,
                HasRoom = room.IsEnough,
            },
            _queue, _store.Spool, clock, logs.CreateLogger<Intake>());
        var limits = new ConnectionLimits(configuration.Limits.Connections, configuration.Limits.ConnectionsPerAddress);
        _listeners = [.. configuration.Listeners.Select(listener => new SmtpListener(OptionsOf(listener, JudgeClient), limits, intake, Record, clock))];

        Func<PeerChain, PeerVerdict>? JudgeClient(IPAddress client) =>
            rules.AsksForCertificate(client) ? chain => rules.Judge(chain, pkix) : null;

        // How it goes out.
        var planner = new DatedPlanner(configuration, resolver, proven, _policies, clock);
        _rules = new RuleWatch(configuration.Outbound.Rules, clock, logs.CreateLogger<RuleWatch>());
        var verifier = new PeerVerifier(pkix, dane);
        var destinations = new Destinations(configuration.RoutingOn(DateOnly.FromDateTime(clock.GetUtcNow().UtcDateTime)));
        _deliverer = new Deliverer(
            new DelivererOptions
            {
                Client = new ClientOptions { Hostname = hostname, Clock = clock },
                Verify = verifier.For,
                Credentials = configuration.SmartHostCredentials,
                Proven = (plan, tls) => proven.Prove(plan.Host, clock.GetUtcNow(), tls.Identity is not PeerIdentity.Unauthenticated),
                LastProven = host => proven.Find(host)?.AsPolicy(),
                Certificate = shown.Find,
                Reuse = configuration.Outbound.IdleTime == TimeSpan.Zero ? null : new SessionReuse
                {
                    IdleTime = configuration.Outbound.IdleTime,
                    MaxTransactions = configuration.Outbound.MessagesPerSession,
                    MaxOpen = configuration.Outbound.Connections,
                    MaxOpenPerDestination = configuration.Outbound.ConnectionsPerDestination,
                    DestinationOf = destinations.HopOf,
                },
                KeepTranscripts = observer is not null,
            },
            _sessions, logs.CreateLogger<Deliverer>());
        var reports = new DeliveryReport(hostname, clock);
        _runner = new QueueRunner(
            _queue,
            _deliverer,
            new Maildir(hostname, clock),
            reports,
            _sessions,
            new QueueRunnerOptions
            {
                Plan = (lease, cancel) => planner.PlanAsync(lease.Domain, lease.Pending.ReturnPath, cancel),
                Schedule = configuration.Outbound.Schedule,
                Clock = clock,
                MaxAttempts = configuration.Outbound.Connections,
                MaxAttemptsPerDestination = configuration.Outbound.ConnectionsPerDestination,
                DestinationOf = destinations.Of,
                IsParticular = destinations.IsParticular,
                StopTimeout = configuration.Limits.Shutdown,
            },
            logs.CreateLogger<QueueRunner>());
        _delays = configuration.Outbound.DelayWarning is { } warnAfter
            ? new DelayWatch(
                _queue,
                reports,
                new DelayWatchOptions
                {
                    WarnAfter = warnAfter,
                    GiveUpAfter = configuration.Outbound.Schedule.GiveUpAfter,
                    FailureOf = _runner.FailureOf,
                    Clock = clock,
                },
                logs.CreateLogger<DelayWatch>())
            : null;

        // How it is administered.
        _operations = new ControlOperations(
            new QueueOperations(_store, clock, logs.CreateLogger<QueueOperations>(), _runner.Retry, _queue.Wake),
            new PlanOperations(PlanSource.Gateway, planner.PlanAsync, _ => ValueTask.FromResult(_resolver?.Health), clock),
            new TlsOperations(_proven, stripping));
    }

    /// <summary>Where it listens, in the order of the configuration.</summary>
    public ImmutableArray<IPEndPoint> Endpoints => [.. _listeners.Select(listener => listener.Endpoint)];

    /// <summary>Completes, with its exception if it has one, when a part ends that should run as long as the gateway.</summary>
    public Task<Task> PartEnded => Task.WhenAny(_background);

    /// <param name="zone">Answers instead of the configured resolver: the demo's world.</param>
    /// <param name="observer">Is shown every record, with the dialogues.</param>
    /// <param name="policyPort">Of the demo's host of MTA-STS policies.</param>
    /// <exception cref="GatewayStartException">It cannot run like this; the message is for the operator.</exception>
    public static async Task<Gateway> StartAsync(
        GatewayConfiguration configuration,
        ILoggerFactory logs,
        TimeProvider clock,
        IDnsResolver? zone = null,
        ISessionSink? observer = null,
        int? policyPort = null)
    {
        Gateway gateway;
        try
        {
            gateway = new Gateway(configuration, logs, clock, zone, observer, policyPort);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or InvalidDataException)
        {
            throw new GatewayStartException(e.Message, e);
        }

        try
        {
            await gateway.BeginAsync();
            return gateway;
        }
        catch
        {
            await gateway.DisposeAsync();
            throw;
        }
    }

    /// <summary>Messages that wait.</summary>
    public ValueTask<long> CountMessagesAsync(CancellationToken cancel) => _queue.CountAsync(cancel);

    /// <summary>Looks at the certificate files at once.</summary>
    public void ReloadCertificates()
    {
        _watch.Look();
        _copies.Keep(_certificates, certificate => _ownTlsa.IsVerifiedByTlsa(certificate, _certificates));
    }

    /// <summary>Takes no new connection, tells idle clients 421, lets what is in progress end within Limits.ShutdownSeconds, and closes the
    /// queue.</summary>
    public async ValueTask DisposeAsync()
    {
        var stopping = _listeners.Select(listener => listener.StopAsync(_configuration.Limits.Shutdown)).ToArray();
        await _stop.CancelAsync();
        try
        {
            if (_control is not null)
            {
                await _control.DisposeAsync();
            }

            if (_policyServer is not null)
            {
                await _policyServer.DisposeAsync();
            }

            await Task.WhenAll([.. stopping, .. _background]);
        }
        finally
        {
            _proven.Save();
            await _policies.DisposeAsync();
            await _deliverer.DisposeAsync();
            await _sessions.DisposeAsync();
            _runner.Dispose();
            _queue.Dispose();
            await _store.DisposeAsync();
            _stop.Dispose();
        }
    }

    async Task BeginAsync()
    {
        _watch.TellStart();
        _rules.Look();
        if (!_certificates.Available
            && _configuration.Listeners.FirstOrDefault(listener => listener.Mode is not ListenerMode.StartTls) is { } needsTls)
        {
            throw new GatewayStartException($"listener {needsTls.Name} needs a certificate, and none can be used");
        }

        _proven.Restore();
        _policyKeeper.Restore(_policies);
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

        if (_configuration.MtaSts.Endpoint is not null)
        {
            _policyServer = await StsPolicyServer.StartAsync(_configuration.MtaSts, _certificates, _configuration.Tls.Protocols, _logs);
        }

        try
        {
            _control = ControlServer.Start(_configuration.DataDirectory, _operations, _clock, _logs.CreateLogger<ControlServer>());
        }
        catch (IOException e)
        {
            throw new GatewayStartException(e.Message, e);
        }

        _background.Add(Task.Run(() => _runner.RunAsync(_stop.Token)));
        if (_resolver is not null)
        {
            _background.Add(Task.Run(() => _resolver.RunAsync(_stop.Token)));
        }

        if (_delays is not null)
        {
            _background.Add(Task.Run(() => _delays.RunAsync(_stop.Token)));
        }

        _background.Add(EveryAsync(s_certificateInterval, ReloadCertificates));
        _background.Add(Task.Run(() => EveryAsync(s_certificateInterval, LookAtTlsaAsync, atOnce: true)));
        _background.Add(EveryAsync(s_provenTlsInterval, _proven.Save));
        _background.Add(EveryAsync(s_ruleInterval, _rules.Look));
        _background.Add(Task.Run(() => _policyKeeper.RunAsync(_policies, _stop.Token)));
        _background.Add(EveryAsync(s_policyInterval, () => _policies.RenewAsync(_stop.Token)));
    }

    async Task LookAtTlsaAsync()
    {
        await _tlsa.LookAsync(_stop.Token);
        _tlsa.Compare(_certificates);
    }

    Task EveryAsync(TimeSpan interval, Action act) => EveryAsync(interval, () =>
    {
        act();
        return Task.CompletedTask;
    });

    async Task EveryAsync(TimeSpan interval, Func<Task> act, bool atOnce = false)
    {
        using var timer = new PeriodicTimer(interval, _clock);
        try
        {
            while (atOnce || await timer.WaitForNextTickAsync(_stop.Token))
            {
                atOnce = false;
                await act();
            }
        }
        catch (OperationCanceledException)
        {
            // Stopped.
        }
    }

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

/// <summary>The gateway cannot run like this; the message is one line for the operator.</summary>
sealed class GatewayStartException(string message, Exception? inner = null) : Exception(message, inner);
