using System.Collections.Immutable;
using Hopseal.Configuration;
using Hopseal.Relay.Queue;
using Hopseal.Reports.Alerts;
using Hopseal.Reports.Store;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging;

namespace Hopseal.Parts;

/// <summary>Looks at everything that may go wrong, again and again, and tells when it begins and when it ends.</summary>
sealed partial class Alerting : IAsyncDisposable
{
    static readonly TimeSpan s_soon = TimeSpan.FromSeconds(5);
    static readonly TimeSpan s_slowly = TimeSpan.FromMinutes(1);

    readonly AlertBook _book = new();
    readonly AlertStore _store;
    readonly AlertWatches _watches;
    readonly AlertChannels _channels;
    readonly TimeProvider _clock;
    readonly ILogger _log;

    public Alerting(GatewayConfiguration configuration, RecordsDatabase database, AlertWatches watches, MessageQueue queue, ILoggerFactory logs, TimeProvider clock)
    {
        _store = new AlertStore(database);
        _watches = watches;
        _channels = new AlertChannels(configuration, database, () => _book.Open, queue, logs, clock);
        _clock = clock;
        _log = logs.CreateLogger<Alerting>();
        try
        {
            var open = _store.Open();
            _book.Restore(open, _store.LastId());
            watches.Restore(open);
        }
        catch (SqliteException e)
        {
            LogNotRestored(_log, e);
        }
    }

    /// <summary>What is wrong now.</summary>
    public ImmutableArray<Alert> Open => _book.Open;

    public ImmutableArray<Periodic> Work =>
    [
        new(s_soon, stop => LookAsync(_watches.Soon, stop)),
        new(s_slowly, stop => LookAsync(_watches.Slowly, stop), AtOnce: true),
        .. _channels.Work,
    ];

    /// <summary>Sends a notice through every channel, and says what came of each, and whether it was taken.</summary>
    public Task<ImmutableArray<(string Words, bool Taken)>> TestAsync(CancellationToken cancel)
    {
        var now = _clock.GetUtcNow();
        return _channels.TestAsync(
            new AlertNotice(
                NoticeKind.Test, new Alert(0, "test", "test", AlertSeverity.Info, "This is a test of Hopseal's alerts", "Nothing has to be done.", now, now, null, null), now),
            cancel);
    }

    /// <summary>Null when no alert of that id is open.</summary>
    public Alert? Silence(long id, DateTimeOffset until)
    {
        var alert = _book.Silence(id, until);
        if (alert is not null)
        {
            _store.Save(alert);
        }

        return alert;
    }

    public ValueTask DisposeAsync() => _channels.DisposeAsync();

    async Task LookAsync(ImmutableArray<(string Rule, Func<DateTimeOffset, CancellationToken, ValueTask<ImmutableArray<Trouble>?>> Look)> rules, CancellationToken stop)
    {
        foreach (var (rule, look) in rules)
        {
            ImmutableArray<Trouble>? seen;
            try
            {
                seen = await look(_clock.GetUtcNow(), stop);
            }
#pragma warning disable CA1031 // A defect in one rule must not end the gateway, again after each restart: the other rules go on, and the log tells.
            catch (Exception e) when (e is not OperationCanceledException || !stop.IsCancellationRequested)
#pragma warning restore CA1031
            {
                LogUnknown(_log, e, rule);
                seen = null;
            }

            foreach (var notice in _book.Look(rule, seen is { } known ? known : null, _clock.GetUtcNow()))
            {
                _store.Save(notice.Alert);
                await _channels.TellAsync(notice);
            }
        }

        foreach (var changed in _book.TakeChanged())
        {
            _store.Save(changed);
        }
    }

    [LoggerMessage(EventId = 3002, Level = LogLevel.Warning, Message = "Whether {Rule} is to be told of cannot be found out")]
    static partial void LogUnknown(ILogger log, Exception e, string rule);

    [LoggerMessage(EventId = 3004, Level = LogLevel.Error, Message = "Which alerts were open cannot be read; those that still hold are told again")]
    static partial void LogNotRestored(ILogger log, Exception e);
}
