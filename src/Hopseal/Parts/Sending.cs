using System.Collections.Immutable;
using Hopseal.Configuration;
using Hopseal.Dns;
using Hopseal.Policy;
using Hopseal.Policy.Dane;
using Hopseal.Relay;
using Hopseal.Relay.Attempt;
using Hopseal.Relay.Dsn;
using Hopseal.Relay.Queue;
using Hopseal.Smtp.Client;
using Hopseal.Smtp.Tls;
using Microsoft.Extensions.Logging;

namespace Hopseal.Parts;

/// <summary>How mail goes out: plans, attempts, and the queue's runner.</summary>
sealed class Sending : IAsyncDisposable
{
    static readonly TimeSpan s_ruleInterval = TimeSpan.FromMinutes(1);

    readonly RuleWatch _rules;
    readonly Deliverer _deliverer;
    readonly DelayWatch? _delays;

    /// <param name="required">See <see cref="DatedPlanner"/>.</param>
    /// <param name="ownMail">What is read instead of sent.</param>
    /// <param name="keepTranscripts">Records hold the dialogues.</param>
    public Sending(
        GatewayConfiguration configuration,
        IDnsResolver resolver,
        Remembered remembered,
        Func<ImmutableArray<OutboundRule>> required,
        ClientCertificates shown,
        PkixCheck pkix,
        DaneCheck dane,
        MessageQueue queue,
        OwnMail? ownMail,
        ISessionSink sessions,
        bool keepTranscripts,
        ILoggerFactory logs,
        TimeProvider clock)
    {
        var hostname = configuration.Hostname.Ascii;
        var proven = remembered.ProvenTls;
        Planner = new DatedPlanner(configuration, resolver, proven, remembered.Policies, required, clock);
        _rules = new RuleWatch(configuration.Outbound.Rules, clock, logs.CreateLogger<RuleWatch>());
        var verifier = new PeerVerifier(pkix, dane);

        // Made with the first message, when all rules are known. Those that are required later are for domains without a next hop, which are their own destinations.
        var destinations = new Lazy<Destinations>(() => DestinationsOn(configuration.RoutingOn(DateOnly.FromDateTime(clock.GetUtcNow().UtcDateTime)), required()));
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
                    DestinationOf = domain => destinations.Value.HopOf(domain),
                },
                KeepTranscripts = keepTranscripts,
            },
            sessions, logs.CreateLogger<Deliverer>());
        var reports = new DeliveryReport(hostname, clock);
        Runner = new QueueRunner(
            queue,
            _deliverer,
            new Maildir(hostname, clock),
            reports,
            sessions,
            new QueueRunnerOptions
            {
                Plan = (lease, cancel) => Planner.PlanAsync(lease.Domain, lease.Pending.ReturnPath, cancel),
                OwnMail = ownMail,
                Schedule = configuration.Outbound.Schedule,
                Clock = clock,
                MaxAttempts = configuration.Outbound.Connections,
                MaxAttemptsPerDestination = configuration.Outbound.ConnectionsPerDestination,
                DestinationOf = domain => destinations.Value.Of(domain),
                IsParticular = sender => destinations.Value.IsParticular(sender),
                StopTimeout = configuration.Limits.Shutdown,
            },
            logs.CreateLogger<QueueRunner>());
        _delays = configuration.Outbound.DelayWarning is { } warnAfter
            ? new DelayWatch(
                queue,
                reports,
                new DelayWatchOptions
                {
                    WarnAfter = warnAfter,
                    GiveUpAfter = configuration.Outbound.Schedule.GiveUpAfter,
                    FailureOf = Runner.FailureOf,
                    Clock = clock,
                },
                logs.CreateLogger<DelayWatch>())
            : null;
    }

    public DatedPlanner Planner { get; }

    public QueueRunner Runner { get; }

    public ImmutableArray<Periodic> Work => [Periodic.Of(s_ruleInterval, _rules.Look)];

    public void LookAtRules() => _rules.Look();

    /// <summary>Delivers what is due, and tells of what is late, until it is stopped.</summary>
    public IEnumerable<Task> Run(CancellationToken stop)
    {
        yield return Task.Run(() => Runner.RunAsync(stop), CancellationToken.None);
        if (_delays is not null)
        {
            yield return Task.Run(() => _delays.RunAsync(stop), CancellationToken.None);
        }
    }

    static Destinations DestinationsOn(Routing routing, ImmutableArray<OutboundRule> required) => new(routing with { Rules = [.. routing.Rules, .. required] });

    public async ValueTask DisposeAsync()
    {
        await _deliverer.DisposeAsync();
        Runner.Dispose();
    }
}
