using System.Collections.Immutable;
using Hopseal.Configuration;
using Hopseal.Dashboard.Live;
using Hopseal.Monitor.Store;
using Hopseal.Relay;
using Hopseal.Reports.Alerts;
using Hopseal.Reports.Evidence;
using Hopseal.Reports.Sessions;
using Hopseal.Reports.Store;
using Hopseal.Reports.Tlsrpt.Receiving;
using Hopseal.Reports.Tlsrpt.Sending;
using Microsoft.Extensions.Logging;

namespace Hopseal.Parts;

/// <summary>Step 12: everything that reads the records of sessions and attempts, each in the background of the sessions.</summary>
sealed class Telling : IAsyncDisposable
{
    readonly SessionStore _store;
    readonly EvidenceLedger? _evidence;

    /// <param name="others">More readers: the metrics, the demo.</param>
    public Telling(GatewayConfiguration configuration, ILoggerFactory logs, TimeProvider clock, params IEnumerable<ISessionSink?> others)
    {
        Database = RecordsDatabase.Open(configuration.DataDirectory, Tables, logs.CreateLogger<RecordsDatabase>());
        var alerts = new StrippingAlerts(Stripping, logs.CreateLogger<StrippingAlerts>());
        _store = new SessionStore(Database, configuration.Records, clock, logs.CreateLogger<SessionStore>());
        _evidence = configuration.Evidence.Days == 0 ? null : new EvidenceLedger(
            LedgerFiles.In(configuration.DataDirectory),
            configuration.Evidence,
            configuration.Digest,
            clock,
            logs.CreateLogger<EvidenceLedger>());
        ReportTally = TlsReporting.CreateTally(configuration, Database, ReportMail = new OwnReportMail(clock), logs, clock);
        Feed = configuration.Dashboard is null ? null : new SessionFeed();
        ISessionSink?[] readers = [new SessionLog(logs.CreateLogger<SessionLog>()), alerts, Injections, _store, _evidence, ReportTally, Feed, .. others];
        Sessions = new SessionFanout(readers.OfType<ISessionSink>(), clock, logs.CreateLogger<SessionFanout>());
    }

    /// <summary>Of everybody who keeps something in the database of records.</summary>
    public static ImmutableArray<SchemaPart> Tables => [SessionStore.Tables, ReceivedTables.Part, AlertStore.Tables, SendingTables.Part, MonitorTables.Part];

    /// <summary>Of what is told.</summary>
    public RecordsDatabase Database { get; }

    /// <summary>For the dashboard; null without one.</summary>
    public SessionFeed? Feed { get; }

    /// <summary>What is counted for reports of ours; null: nothing is.</summary>
    public ReportTally? ReportTally { get; }

    /// <summary>Messages that carry them.</summary>
    public OwnReportMail ReportMail { get; }

    public StrippingWatch Stripping { get; } = new();

    public InjectionWatch Injections { get; } = new();

    /// <summary>Records that found no room.</summary>
    public long Lost => DatabaseLost + Sessions.Dropped + (_evidence?.Lost ?? 0);

    /// <summary>Of them, those that the database of records had none for.</summary>
    public long DatabaseLost => Database.Lost + _store.Dropped;

    /// <summary>Where finished records go.</summary>
    public SessionFanout Sessions { get; }

    /// <summary>What was recorded.</summary>
    public SessionQuery Query => new(Database);

    public ImmutableArray<Periodic> Work =>
    [
        Periodic.Of(SessionStore.WriteInterval, () => _store.Write()),
        new(SessionStore.CleanInterval, _store.CleanAsync),
    ];

    /// <summary>After the last session: what its readers have to write is written.</summary>
    public async ValueTask DisposeAsync()
    {
        Database.Hasten();
        await Sessions.DisposeAsync();
        _store.Close();
        if (_evidence is not null)
        {
            await _evidence.DisposeAsync();
        }

        if (ReportTally is not null)
        {
            await ReportTally.WriteAsync(CancellationToken.None);
            ReportTally.Dispose();
        }

        await Database.DisposeAsync();
    }
}
