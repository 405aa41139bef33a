using System.Collections.Immutable;
using Hopseal.Configuration;
using Hopseal.Dns;
using Hopseal.Relay.Attempt;
using Hopseal.Relay.Queue;
using Hopseal.Reports.Store;
using Hopseal.Reports.Tlsrpt;
using Hopseal.Reports.Tlsrpt.Receiving;
using Hopseal.Smtp.Tls;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging;

namespace Hopseal.Parts;

/// <summary>How others' TLS reports about our domains come in: by mail to mailboxes that the gateway reads itself, and by HTTPS.</summary>
sealed partial class TlsReportIntake : IDisposable
{
    static readonly TimeSpan s_interval = TimeSpan.FromHours(1);

    readonly GatewayConfiguration _configuration;
    readonly ReportStore _store;
    readonly ReportIntake _intake;
    readonly ILoggerFactory _logs;
    readonly ILogger _log;
    readonly TimeProvider _clock;
    ReportPostServer? _server;

    public TlsReportIntake(GatewayConfiguration configuration, IDnsResolver resolver, RecordsDatabase database, ILoggerFactory logs, TimeProvider clock)
    {
        _configuration = configuration;
        _logs = logs;
        _log = logs.CreateLogger<TlsReportIntake>();
        _clock = clock;
        _store = new ReportStore(database, (domain, kind) => IsOurs(configuration, domain, kind), new IntakeLimits { Days = configuration.ReportIntake.Days });
        _intake = new ReportIntake(_store, new ReportSignature(resolver, clock), clock, logs.CreateLogger<ReportIntake>());
        var mailboxes = configuration.ReportIntake.Mailboxes;
        Mail = mailboxes.IsEmpty ? null : new OwnMail
        {
            IsRead = mailbox => mailboxes.Any(own => own.Matches(mailbox)),
            ReadAsync = ReadAsync,
            Place = database.File,
            AlsoDelivered = configuration.ReportIntake.KeepMail,
        };
    }

    /// <summary>Null: no mailbox is ours.</summary>
    public OwnMail? Mail { get; }

    public ImmutableArray<Periodic> Work => [new(s_interval, DeleteOldAsync, AtOnce: true)];

    /// <summary>Our domains; for DANE also the hosts in them, since its policy domain is that of a host (RFC 8460 §1.1).</summary>
    public static bool IsOurs(GatewayConfiguration configuration, DomainName domain, PolicyKind? kind) =>
        configuration.Domains.Any is not null
        || configuration.Domains.Domains.ContainsKey(domain)
        || domain == configuration.Hostname
        || configuration.MxNames.Contains(domain)
        || (kind is PolicyKind.Tlsa && configuration.Domains.Domains.Keys.Any(domain.IsWithin));

    /// <summary>The names by which reports call this gateway.</summary>
    public static ImmutableHashSet<DomainName> OwnHosts(GatewayConfiguration configuration) => [configuration.Hostname, .. configuration.MxNames];

    /// <exception cref="GatewayStartException">It cannot listen.</exception>
    public async Task StartAsync(ServerCertificates certificates)
    {
        if (_configuration.ReportIntake.Endpoint is { } endpoint)
        {
            _server = await ReportPostServer.StartAsync(endpoint, _intake, certificates, _configuration.Tls.Protocols, _logs);
        }
    }

    /// <summary>Takes nothing more by HTTPS.</summary>
    public async Task StopAsync()
    {
        if (_server is not null)
        {
            await _server.DisposeAsync();
        }
    }

    public void Dispose() => _intake.Dispose();

    async ValueTask<RecipientOutcome> ReadAsync(QueueLease lease, Stream content, CancellationToken cancel)
    {
        var taken = await _intake.TakeMailAsync(content, lease.Size, lease.Pending.ReturnPath?.ToString(), lease.ReceivedAt, lease.GivesUpAt, cancel);
        return taken is null
            ? new RecipientOutcome.Deferred(new(4, 7, 5), "the key of its signature cannot be had now")
            : ReplyVerdict.OfRead();
    }

    async Task DeleteOldAsync(CancellationToken stop)
    {
        try
        {
            await _store.DeleteOldAsync(_clock.GetUtcNow(), stop);
        }
        catch (SqliteException e)
        {
            LogNotDeleted(_log, e);
        }
    }

    [LoggerMessage(2910, LogLevel.Warning, "TLS reports that are too old could not be deleted; it is tried again in an hour")]
    static partial void LogNotDeleted(ILogger log, Exception e);
}
