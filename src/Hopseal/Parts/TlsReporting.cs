using System.Collections.Immutable;
using Hopseal.Configuration;
using Hopseal.Control;
using Hopseal.Dns;
using Hopseal.Policy;
using Hopseal.Policy.TlsRpt;
using Hopseal.Relay.Queue;
using Hopseal.Relay.Stores.Sqlite;
using Hopseal.Reports.Store;
using Hopseal.Reports.Tlsrpt.Sending;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging;

namespace Hopseal.Parts;

/// <summary>What we report to other domains about TLS with their mail servers (RFC 8460).</summary>
sealed class TlsReporting : IDisposable
{
    static readonly TimeSpan s_cleanInterval = TimeSpan.FromHours(1);

    readonly ReportTally? _tally;
    readonly ReportSender? _sender;

    /// <param name="inOwnWorld">DNS is a zone of our own, and so are the addresses in it.</param>
    public TlsReporting(
        GatewayConfiguration configuration,
        Telling telling,
        IDnsResolver resolver,
        bool inOwnWorld,
        PkixCheck pkix,
        MessageQueue queue,
        SqliteQueueStore store,
        ILoggerFactory logs,
        TimeProvider clock)
    {
        _tally = telling.ReportTally;
        if (_tally is null || configuration.ReportSending.Options is not { } options)
        {
            return;
        }

        var access = new ReportQueue
        {
            AddAsync = queue.AddAsync,
            HoldsAsync = async (id, cancel) => await store.FindAsync(id, cancel) is not null,
            RemoveAsync = async (id, cancel) => await RemoveAsync(store, id, clock, cancel),
        };
        _sender = new ReportSender(
            telling.Database, _tally, telling.ReportMail, resolver, new ReportPost(resolver, pkix, clock) { AnyAddress = inOwnWorld }, access, options, clock,
            logs.CreateLogger<ReportSender>());
    }

    /// <summary>Does what commands ask.</summary>
    public ReportOperations Operations => new(_sender);

    public ImmutableArray<Periodic> Work => _sender is null ? [] :
    [
        new(ReportTally.WriteInterval, async stop => await _tally!.WriteAsync(stop)),
        new(ReportSender.Interval, _sender.PassAsync, AtOnce: true),
        new(s_cleanInterval, _sender.DeleteOldAsync, AtOnce: true),
    ];

    /// <summary>Null where nothing is to be reported.</summary>
    public static ReportTally? CreateTally(GatewayConfiguration configuration, RecordsDatabase database, OwnReportMail own, ILoggerFactory logs, TimeProvider clock) =>
        configuration.ReportSending.Options is null ? null : new ReportTally(database, own, clock, logs.CreateLogger<ReportTally>());

    /// <summary>Before the first message is delivered.</summary>
    /// <exception cref="GatewayStartException">What is known of reports cannot be read.</exception>
    public void Restore()
    {
        try
        {
            _sender?.Restore();
        }
        catch (SqliteException e)
        {
            throw new GatewayStartException($"the TLS reports cannot be read: {e.Message}", e);
        }
    }

    public void Dispose() => _sender?.Dispose();

    static async Task<bool> RemoveAsync(SqliteQueueStore store, QueueId id, TimeProvider clock, CancellationToken cancel)
    {
        if (await store.FindAsync(id, cancel) is not { } message)
        {
            return true;
        }

        var changes = await store.ChangeAsync(QueueAction.Delete, [.. message.Entries.Select(entry => entry.Key)], clock.GetUtcNow(), cancel);
        return !changes.Contains(EntryChange.Attempting);
    }
}
