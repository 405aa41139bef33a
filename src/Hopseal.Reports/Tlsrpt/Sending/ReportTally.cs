using System.Collections.Immutable;
using Hopseal.Relay;
using Hopseal.Relay.Queue;
using Hopseal.Reports.Store;
using Hopseal.Reports.Tlsrpt.Tally;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging;

namespace Hopseal.Reports.Tlsrpt.Sending;

/// <summary>Counts outbound sessions for reports: a reader of <see cref="SessionFanout"/>. Counts are written down now and then, so that a crash costs
/// those of the last <see cref="WriteInterval"/>; while the database cannot be written they stay here, bounded. It also sees what becomes of mail
/// that carries reports.</summary>
public sealed partial class ReportTally(RecordsDatabase database, OwnReportMail own, TimeProvider clock, ILogger<ReportTally> log) : ISessionSink, IDisposable
{
    readonly TallyLimits _limits = new();
    readonly SemaphoreSlim _writing = new(1);
    readonly Queue<(DateOnly Day, ImmutableArray<DomainTally> Tallies)> _unwritten = [];
    readonly SessionTally _tally = new(new TallyLimits());
    TallyRows? _rows;
    long _missed;

    /// <summary>Between two writes.</summary>
    public static TimeSpan WriteInterval { get; } = TimeSpan.FromSeconds(15);

    /// <summary>Results for which there was no room; they are in no report.</summary>
    public long Missed => Volatile.Read(ref _missed) + _tally.Missed;

    public bool TryRecord(SessionRecord record)
    {
        if (record is SessionRecord.Outbound session)
        {
            _tally.Add(session, own.Holds(session.Message));
        }

        return true;
    }

    public bool TryRecord(DeliveryAttempt attempt)
    {
        ArgumentNullException.ThrowIfNull(attempt);
        var carriesReports = own.Holds(attempt.Lease.Id);
        _tally.Add(attempt, carriesReports);
        return !carriesReports || TellTarget(attempt);
    }

    /// <summary>Completes when what was counted until now is written; false when it could not be, and is kept for the next time.</summary>
    public async Task<bool> WriteAsync(CancellationToken cancel)
    {
        await _writing.WaitAsync(cancel);
        try
        {
            // What waits is bounded by the days that the tally would hold.
            if (_unwritten.Count < _limits.Days)
            {
                foreach (var day in _tally.Days)
                {
                    _unwritten.Enqueue((day, _tally.Take(day)));
                }
            }

            _rows ??= new TallyRows(_limits);
            while (_unwritten.TryPeek(out var part))
            {
                var refused = 0L;

                // Not cancelled: whether it is committed must be known, or it would be counted twice.
                await database.WriteAsync(connection => refused = _rows.Add(connection, part.Day, part.Tallies), CancellationToken.None);
                _unwritten.Dequeue();
                Interlocked.Add(ref _missed, refused);
            }

            return true;
        }
        catch (SqliteException e)
        {
            LogNotWritten(log, e);
            return false;
        }
        finally
        {
            _writing.Release();
        }
    }

    public void Dispose() => _writing.Dispose();

    bool TellTarget(DeliveryAttempt attempt)
    {
        var now = clock.GetUtcNow();
        (TargetState State, string? Why)? end = attempt.Recipients.Select(recipient => recipient.Outcome).FirstOrDefault() switch
        {
            RecipientOutcome.Delivered => (TargetState.Sent, null),
            RecipientOutcome.Bounced bounced => (TargetState.Failed, bounced.Reason),
            _ => null,
        };
        return end is not { } known || database.TryPost(connection => SentRows.SettleMessage(connection, attempt.Lease.Id.Text, known.State, known.Why, now));
    }

    [LoggerMessage(2801, LogLevel.Warning, "What was counted for TLS reports cannot be written down now; it is kept in memory and tried again")]
    static partial void LogNotWritten(ILogger log, Exception e);
}
