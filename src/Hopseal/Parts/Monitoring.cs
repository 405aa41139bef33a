using System.Collections.Immutable;
using Hopseal.Audit;
using Hopseal.Audit.Findings;
using Hopseal.Audit.Probes;
using Hopseal.Audit.Profiles;
using Hopseal.Audit.Targets;
using Hopseal.Configuration;
using Hopseal.Control;
using Hopseal.Dns;
using Hopseal.Monitor;
using Hopseal.Monitor.Store;
using Hopseal.Policy;
using Hopseal.Policy.MtaSts;
using Hopseal.Reports.Metrics;
using Hopseal.Reports.Store;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging;

namespace Hopseal.Parts;

/// <summary>Looks at domains from outside, as the configuration says; without a word of it, at none.</summary>
sealed partial class Monitoring
{
    /// <summary>Between two connections to one address: nobody is in a hurry.</summary>
    static readonly TimeSpan s_pause = TimeSpan.FromMilliseconds(250);

    /// <summary>What one look found out at a host counts for others at most so long.</summary>
    static readonly TimeSpan s_round = TimeSpan.FromMinutes(5);

    readonly MonitorSettings? _settings;
    readonly TimeProvider _clock;
    readonly ILogger _log;
    bool _isUnread;

    /// <param name="policyPort">Null: 443, as RFC 8461 §3.3 has it.</param>
    public Monitoring(
        GatewayConfiguration configuration, RecordsDatabase database, IDnsResolver resolver, PkixCheck pkix, int? policyPort, ILoggerFactory logs, TimeProvider clock)
    {
        (_settings, _clock, _log) = (configuration.Monitor, clock, logs.CreateLogger<Monitoring>());
        Query = new MonitorQuery(database, clock);
        Profile = _settings?.Profile ?? Profile.Named(Profile.Default);
        var options = _settings?.Options ?? new MonitorOptions();
        var half = options.Confirm / 2;
        var rounds = new AuditRounds(Create, half < s_round ? half : s_round, clock);
        Monitor = new DomainMonitor(
            new MonitorStore(database), Query, (domain, cancel) => rounds.Current.RunAsync(new AuditTarget.Domain(domain.Name), Nobody.Instance, cancel), rounds.Renew, Profile, options,
            clock, Random.Shared.NextDouble, logs.CreateLogger<DomainMonitor>());

        MailAudit Create()
        {
            var fetch = policyPort is { } port ? new StsFetch(resolver, pkix, clock) { Port = port } : new StsFetch(resolver, pkix, clock);
            return new MailAudit(resolver, pkix, fetch, _settings?.Manners ?? Manners.Everybody, new ProbeOptions
            {
                EhloName = (_settings?.EhloName ?? configuration.Hostname).Ascii,
                OwnName = configuration.Hostname.Ascii,
                Clock = clock,
                Pause = s_pause,
                MostConnections = _settings?.Connections ?? 1,
                Deep = _settings?.Deep ?? false,
            })
            {
                MxPort = configuration.Outbound.Port,
            };
        }
    }

    public MonitorQuery Query { get; }

    public Profile Profile { get; }

    public DomainMonitor Monitor { get; }

    /// <summary>Of every domain, for the rules of alerts; null where none is watched.</summary>
    public Func<ImmutableArray<DomainHistory>>? Histories => _settings is null ? null : Query.Histories;

    /// <summary>Does what commands ask.</summary>
    public MonitorOperations Operations => new(_settings is null ? null : Monitor);

    /// <summary>In numbers; null where none is watched, or it cannot be read.</summary>
    public MonitorReadings? Readings
    {
        get
        {
            if (_settings is null)
            {
                return null;
            }

            try
            {
                var sums = Query.Sums();
                _isUnread = false;
                return new MonitorReadings(
                    [.. sums.Select(sum => (sum.As is WatchedAs.Own ? "own" : "partner", Word(sum.Overall), sum.Domains))],
                    sums.Sum(sum => sum.Silent),
                    sums.Any(sum => sum.OldestLook is null) ? null : _clock.GetUtcNow() - sums.Min(sum => sum.OldestLook));
            }
            catch (SqliteException e)
            {
                if (!_isUnread)
                {
                    _isUnread = true;
                    LogUnread(_log, e);
                }

                return null;
            }
        }
    }

    /// <summary>Whether any domain is to be watched.</summary>
    public bool IsOn => _settings is not null;

    /// <summary>Has a domain looked at now rather than when it is due, without waiting for it. False: it is not watched.</summary>
    public bool LookSoon(string domain)
    {
        if (Monitor.Domains.All(watched => watched.Name.Ascii != domain))
        {
            return false;
        }

        // What it finds is kept like that of any other look, and looks do not throw.
        _ = Monitor.LookNowAsync(domain, CancellationToken.None);
        return true;
    }

    /// <summary>Until it is stopped.</summary>
    public Task RunAsync(CancellationToken stop) => Monitor.RunAsync(_settings?.Domains ?? [], stop);

    static string Word(Verdict verdict) => verdict switch
    {
        Verdict.Ok or Verdict.Info => "ok",
        Verdict.Warn => "warn",
        Verdict.Fail => "fail",
        Verdict.Unknown => "unknown",
    };

    [LoggerMessage(EventId = 3410, Level = LogLevel.Warning, Message = "What is known of the domains that are watched cannot be read, so no metric says it. Said once, until it can")]
    static partial void LogUnread(ILogger log, Exception e);

    /// <summary>Nobody waits to see how far a look is.</summary>
    sealed class Nobody : IProgress<string>
    {
        public static Nobody Instance { get; } = new();

        public void Report(string value)
        {
        }
    }
}
