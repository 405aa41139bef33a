using System.Collections.Immutable;
using System.Runtime.CompilerServices;
using System.Threading.Channels;
using Hopseal.Smtp.Wire;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Hopseal.Relay.Queue;

/// <summary>Messages accepted and not yet delivered, each attempted as the schedule says (RFC 5321 §4.5.4.1). Waits for the
/// next due time or for a change, and never polls.</summary>
public sealed partial class MessageQueue : IDisposable
{
    /// <summary>Leases written down at once. What a stop leaves of them is given back.</summary>
    const int Batch = 32;

    /// <summary>The longest wait without a look at the clock, which may be set while we wait.</summary>
    static readonly TimeSpan s_longestWait = TimeSpan.FromMinutes(5);

    static readonly TimeSpan s_firstPause = TimeSpan.FromSeconds(1);
    static readonly TimeSpan s_longestPause = TimeSpan.FromSeconds(30);

    readonly IQueueStore _store;
    readonly RetrySchedule _schedule;
    readonly TimeProvider _clock;
    readonly ILogger _log;
    readonly ITimer _due;
    readonly Channel<bool> _wake = Channel.CreateBounded<bool>(
        new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });

    /// <param name="store">Stays its owner's, who disposes it after this.</param>
    public MessageQueue(IQueueStore store, RetrySchedule schedule, TimeProvider clock, ILogger<MessageQueue>? log = null)
    {
        ArgumentNullException.ThrowIfNull(store);
        ArgumentNullException.ThrowIfNull(schedule);
        ArgumentNullException.ThrowIfNull(clock);
        _store = store;
        _schedule = schedule;
        _clock = clock;
        _log = log ?? NullLogger<MessageQueue>.Instance;
        _due = clock.CreateTimer(_ => Wake(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>Step 4: completes once the message is on stable storage; the caller may then say 250 (RFC 5321 §6.1).</summary>
    /// <exception cref="QueueStoreException">It is not kept.</exception>
    public async ValueTask AddAsync(StoredMessage message, CancellationToken cancel)
    {
        await _store.AddAsync(message, cancel);
        Wake();
    }

    /// <summary>Yields leases as they fall due, until cancelled. Nothing is leased while the caller does not ask for more. When
    /// the store fails, this waits and goes on. One enumeration at a time.</summary>
    public async IAsyncEnumerable<QueueLease> DueAsync([EnumeratorCancellation] CancellationToken cancel)
    {
        while (true)
        {
            var leases = await LeaseAsync(cancel);
            var yielded = 0;
            try
            {
                foreach (var lease in leases)
                {
                    cancel.ThrowIfCancellationRequested();
                    yielded++;
                    yield return lease;
                }
            }
            finally
            {
                await GiveBackAsync(leases[yielded..]);
            }
        }
    }

    /// <summary>The content as it was received; the caller disposes it.</summary>
    /// <exception cref="QueueStoreException">It cannot be read.</exception>
    public ValueTask<Stream> OpenContentAsync(QueueId id, CancellationToken cancel) => _store.OpenContentAsync(id, cancel);

    /// <summary>Writes down what became of a lease, with the bounces it caused. While the store fails, this waits and tries
    /// again: the peer may have the message, and an attempt that is forgotten is a message delivered twice.</summary>
    public async ValueTask SettleAsync(
        QueueLease lease, Settlement settlement, ImmutableArray<StoredMessage> reports, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(lease);
        ArgumentNullException.ThrowIfNull(settlement);
        for (var pause = s_firstPause; ; pause = Longer(pause))
        {
            try
            {
                await _store.SettleAsync(lease, settlement, reports, cancel);
                break;
            }
            catch (QueueStoreException e)
            {
                LogSettleFailed(_log, e, lease.Id, lease.Domain);
            }

            await Task.Delay(pause, _clock, cancel);
        }

        if (reports.Length > 0 || settlement.Outcomes.Any(outcome => outcome is RecipientOutcome.Deferred))
        {
            Wake();
        }
    }

    /// <summary>See <see cref="IQueueStore.FindDelayedAsync"/>.</summary>
    public ValueTask<DelayScan> FindDelayedAsync(DateTimeOffset receivedBefore, DelayCursor? after, CancellationToken cancel) =>
        _store.FindDelayedAsync(receivedBefore, after, cancel);

    /// <summary>See <see cref="IQueueStore.WarnAsync"/>. The report is due at once.</summary>
    public async ValueTask<bool> WarnAsync(DelayedEntry entry, StoredMessage? report, CancellationToken cancel)
    {
        var written = await _store.WarnAsync(entry, report, cancel);
        if (written && report is not null)
        {
            Wake();
        }

        return written;
    }

    /// <summary>Messages in the queue.</summary>
    public ValueTask<long> CountAsync(CancellationToken cancel) => _store.CountAsync(cancel);

    public void Dispose() => _due.Dispose();

    /// <summary>Waits until something is due, and leases it.</summary>
    async ValueTask<ImmutableArray<QueueLease>> LeaseAsync(CancellationToken cancel)
    {
        var pause = s_firstPause;
        while (true)
        {
            try
            {
                var leases = await _store.LeaseDueAsync(_clock.GetUtcNow(), Batch, _schedule, cancel);
                if (!leases.IsEmpty)
                {
                    return leases;
                }

                SetTimer(await _store.NextDueAsync(cancel));
                pause = s_firstPause;
                await _wake.Reader.ReadAsync(cancel);
                continue;
            }
            catch (QueueStoreException e)
            {
                LogLeaseFailed(_log, e, pause.TotalSeconds);
            }

            await Task.Delay(pause, _clock, cancel);
            pause = Longer(pause);
        }
    }

    /// <summary>Leases that nobody attempted are due again at once, so that a restart delays no mail.</summary>
    async ValueTask GiveBackAsync(ImmutableArray<QueueLease> leases)
    {
        foreach (var lease in leases)
        {
            var stopped = new RecipientOutcome.Deferred(
                new EnhancedStatus(4, 3, 2), "the gateway was stopped before this attempt began");
            var settlement = new Settlement(
                [.. lease.Pending.Recipients.Select(_ => stopped)], RetryAt: _clock.GetUtcNow(), TlsFailed: false, Attempted: false);
            try
            {
                await _store.SettleAsync(lease, settlement, [], CancellationToken.None);
            }
            catch (QueueStoreException e)
            {
                LogSettleFailed(_log, e, lease.Id, lease.Domain);
            }
        }
    }

    void SetTimer(DateTimeOffset? due)
    {
        if (due is null)
        {
            _due.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
            return;
        }

        // A timer may fire a little early; a millisecond more saves a second look.
        var wait = due.Value - _clock.GetUtcNow() + TimeSpan.FromMilliseconds(1);
        _due.Change(
            TimeSpan.FromTicks(Math.Clamp(wait.Ticks, 0, s_longestWait.Ticks)), Timeout.InfiniteTimeSpan);
    }

    void Wake() => _wake.Writer.TryWrite(true);

    static TimeSpan Longer(TimeSpan pause) => pause * 2 < s_longestPause ? pause * 2 : s_longestPause;

    [LoggerMessage(Level = LogLevel.Error, Message = "The queue cannot be read; the next look is in {Seconds} seconds")]
    static partial void LogLeaseFailed(ILogger log, Exception e, double seconds);

    [LoggerMessage(
        Level = LogLevel.Error,
        Message = "What became of message {Id} for {Domain} could not be written down; it is tried again while the gateway runs")]
    static partial void LogSettleFailed(ILogger log, Exception e, QueueId id, string domain);
}
