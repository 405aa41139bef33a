using System.Collections.Immutable;
using Hopseal.Configuration;
using Hopseal.Relay;
using Hopseal.Reports.Sessions;
using Hopseal.Reports.Store;
using Microsoft.Extensions.Logging;

namespace Hopseal.Parts;

/// <summary>Step 12: everything that reads the records of sessions and attempts, each in the background of the sessions.</summary>
sealed class Telling : IAsyncDisposable
{
    readonly RecordsDatabase _database;
    readonly SessionStore _store;

    /// <param name="others">More readers: the metrics, the demo.</param>
    public Telling(GatewayConfiguration configuration, ILoggerFactory logs, TimeProvider clock, params IEnumerable<ISessionSink?> others)
    {
        _database = RecordsDatabase.Open(configuration.DataDirectory, Tables, logs.CreateLogger<RecordsDatabase>());
        var alerts = new StrippingAlerts(Stripping, logs.CreateLogger<StrippingAlerts>());
        _store = new SessionStore(_database, configuration.Records, clock, logs.CreateLogger<SessionStore>());
        ISessionSink[] readers = [new SessionLog(logs.CreateLogger<SessionLog>()), alerts, _store];
        Sessions = new SessionFanout([.. readers, .. others.OfType<ISessionSink>()], logs.CreateLogger<SessionFanout>());
    }

    /// <summary>Of everybody who keeps something in the database of records.</summary>
    public static ImmutableArray<SchemaPart> Tables => [SessionStore.Tables];

    public StrippingWatch Stripping { get; } = new();

    /// <summary>Where finished records go.</summary>
    public SessionFanout Sessions { get; }

    /// <summary>What the database of records had to give up.</summary>
    public long DatabaseLost => _database.Lost;

    /// <summary>What was recorded.</summary>
    public SessionQuery Query => new(_database);

    public ImmutableArray<Periodic> Work =>
    [
        Periodic.Of(SessionStore.WriteInterval, () => _store.Write()),
        new(SessionStore.CleanInterval, _store.CleanAsync),
    ];

    /// <summary>After the last session: what its readers have to write is written.</summary>
    public async ValueTask DisposeAsync()
    {
        await Sessions.DisposeAsync();
        _store.Write();
        await _database.DisposeAsync();
    }
}
