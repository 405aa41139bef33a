using System.Collections.Immutable;
using System.Net;
using Hopseal.Configuration;
using Hopseal.Control;
using Hopseal.Dns;
using Hopseal.Parts;
using Hopseal.Policy;
using Hopseal.Policy.Dane;
using Hopseal.Relay;
using Hopseal.Relay.Queue;
using Hopseal.Relay.Stores.Sqlite;
using Hopseal.Reports.Tlsrpt.Receiving;
using Hopseal.Reports.Tlsrpt.Sending;
using Hopseal.Smtp.Server;
using Microsoft.Extensions.Logging;

namespace Hopseal;

/// <summary>The composition root: every part of a running gateway, made in the order in which a message meets them.</summary>
sealed class Gateway : IAsyncDisposable
{
    readonly GatewayConfiguration _configuration;
    readonly TimeProvider _clock;
    readonly OwnCertificates _certificates;
    readonly ResolverWatch? _resolver;
    readonly SqliteQueueStore _store;
    readonly MessageQueue _queue;
    readonly Remembered _remembered;
    readonly Requiring _requiring;
    readonly Measuring _measuring;
    readonly Telling _telling;
    readonly Receiving _receiving;
    readonly TlsReportIntake _reportIntake;
    readonly Sending _sending;
    readonly Alerting _alerting;
    readonly TlsReporting _reporting;
    readonly Monitoring _monitoring;
    readonly Serving _serving;
    readonly CancellationTokenSource _stop = new();
    readonly List<Task> _background = [];

    Gateway(GatewayConfiguration configuration, ILoggerFactory logs, TimeProvider clock, IDnsResolver? zone, ISessionSink? observer, int? policyPort)
    {
        _configuration = configuration;
        _clock = clock;

        // Whom we show ourselves as, and whom we trust.
        var resolver = zone ?? Resolvers.Create(configuration.Dns, clock);
        var dane = new DaneCheck(clock);
        _certificates = new OwnCertificates(configuration, resolver, dane, logs, clock);
        var pkix = new PkixCheck(TrustedRoots.Load(configuration.Roots), clock);
        _resolver = zone is null && Resolvers.Probe(configuration.Dns, clock) is { } probe
            ? new ResolverWatch(probe.CheckAsync, configuration.Dns.Health!.Interval, clock, logs.CreateLogger<ResolverWatch>())
            : null;

        // Where mail is kept. From here on there is something to dispose.
        _store = SqliteQueueStore.Open(configuration.DataDirectory, logs.CreateLogger<SqliteQueueStore>());
        _queue = new MessageQueue(_store, configuration.Outbound.Schedule, clock, logs.CreateLogger<MessageQueue>());
        _measuring = new Measuring(configuration, logs, clock);
        _remembered = new Remembered(configuration, resolver, pkix, policyPort, _measuring.Count, logs, clock);
        _requiring = new Requiring(configuration, logs, clock);

        // What is told, how it comes in, how it goes out.
        _telling = new Telling(configuration, logs, clock, observer, _measuring.Reader);
        _receiving = new Receiving(configuration, _certificates.Served, pkix, _queue, _store.Spool, _telling.Sessions, logs, clock);
        _reportIntake = new TlsReportIntake(configuration, resolver, _telling.Database, logs, clock);
        _sending = new Sending(
            configuration, resolver, _remembered, () => _requiring.Rules.Rules, _certificates.Shown, pkix, dane, _queue, _reportIntake.Mail, _telling.Sessions, observer is not null, logs, clock);

        _reporting = new TlsReporting(configuration, _telling, resolver, zone is not null, pkix, _queue, _store, logs, clock);

        _monitoring = new Monitoring(configuration, _telling.Database, resolver, pkix, policyPort, logs, clock);

        _alerting = new Alerting(
            configuration,
            _telling.Database,
            new AlertWatches(configuration)
            {
                Stripping = _telling.Stripping,
                Injections = _telling.Injections,
                Certificates = _certificates,
                Policies = _remembered.Policies,
                Resolver = _resolver is null ? null : () => _resolver.Health,
                Sessions = _telling.Query,
                Reports = new SentReports(_telling.Database),
                Reported = new ReportWatch(ReceivedReports.Of(_telling.Database), configuration.ReportIntake.IsOn),
                OldestEntry = OldestEntryAsync,
                Lost = () => _telling.Lost,
                Monitor = new MonitorWatches(_monitoring.Histories, clock.GetUtcNow()),
            },
            _queue, logs, clock);

        // How it is administered.
        var queue = new QueueOperations(_store, clock, logs.CreateLogger<QueueOperations>(), _sending.Runner.Retry, _queue.Wake);
        var view = _telling.Feed is { } feed
            ? new DashboardView(configuration, _store, queue, _sending.Planner, _certificates, resolver, _telling.Database, _alerting, _monitoring, _requiring.Requirements, clock).Of(feed)
            : null;
        var operations = new ControlOperations(
            queue,
            new PlanOperations(PlanSource.Gateway, _sending.Planner.PlanAsync, _ => ValueTask.FromResult(_resolver?.Health), clock),
            new TlsOperations(_remembered.Proven, _telling.Stripping),
            new AlertOperations(_alerting.TestAsync, _alerting.Silence),
            _reporting.Operations,
            _requiring.Operations,
            _monitoring.Operations);
        _serving = new Serving(configuration, _certificates.Served, view, operations, logs, clock);
    }

    /// <summary>Where it listens, in the order of the configuration.</summary>
    public ImmutableArray<IPEndPoint> Endpoints => _receiving.Endpoints;

    /// <summary>Where the dashboard is, for a browser; null without one.</summary>
    public Uri? Dashboard => _serving.Dashboard;

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
    public void ReloadCertificates() => _certificates.Reload();

    /// <summary>Takes no new connection, tells idle clients 421, lets what is in progress end within Limits.ShutdownSeconds, and closes the
    /// queue.</summary>
    public async ValueTask DisposeAsync()
    {
        var stopping = _receiving.StopAsync();
        await _stop.CancelAsync();
        await Closing.AllAsync(
            _serving.DisposeAsync,
            async () => await _reportIntake.StopAsync(),
            async () => await Task.WhenAll([stopping, .. _background]),
            _remembered.DisposeAsync,
            _sending.DisposeAsync,
            _alerting.DisposeAsync,
            Closing.Of(_reporting),
            Closing.Of(_reportIntake),
            _telling.DisposeAsync,
            _measuring.DisposeAsync,
            Closing.Of(_queue),
            _store.DisposeAsync,
            Closing.Of(_stop));
    }

    async ValueTask<QueueEntry?> OldestEntryAsync(CancellationToken cancel)
    {
        var page = await _store.ListAsync(new QueueSelection { State = EntryState.Deferred }, QueuePosition.Start, 1, cancel);
        return page.Entries.FirstOrDefault();
    }

    async Task BeginAsync()
    {
        _certificates.TellStart();
        _sending.LookAtRules();
        if (!_certificates.Served.Available
            && _configuration.Listeners.FirstOrDefault(listener => listener.Mode is not ListenerMode.StartTls) is { } needsTls)
        {
            throw new GatewayStartException($"listener {needsTls.Name} needs a certificate, and none can be used");
        }

        _requiring.Restore();
        _remembered.Restore();
        await _measuring.StartAsync();
        _reporting.Restore();
        await _reportIntake.StartAsync(_certificates.Served);
        await _receiving.StartAsync();
        await _serving.StartAsync();
        _background.AddRange(_sending.Run(_stop.Token));
        _background.Add(Task.Run(() => _remembered.RunAsync(_stop.Token)));
        _background.Add(Task.Run(() => _monitoring.RunAsync(_stop.Token)));
        if (_resolver is not null)
        {
            _background.Add(Task.Run(() => _resolver.RunAsync(_stop.Token)));
        }

        Periodic[] work =
        [
            .. _certificates.Work, .. _remembered.Work, .. _sending.Work, .. _reporting.Work, .. _telling.Work, .. _reportIntake.Work, .. _alerting.Work,
            .. _measuring.Work(_store, _certificates, _remembered, _telling, _monitoring, _resolver),
        ];
        _background.AddRange(work.Select(periodic => Task.Run(() => periodic.RunAsync(_clock, _stop.Token))));
    }
}

/// <summary>The gateway cannot run like this; the message is one line for the operator.</summary>
sealed class GatewayStartException(string message, Exception? inner = null) : Exception(message, inner);
