using System.Collections.Immutable;
using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Hopseal.Relay.Queue;

/// <summary>Messages accepted and not yet delivered, each attempted as the schedule says (RFC 5321 §4.5.4.1). Waits for the
/// next due time or for a change, and never polls.</summary>
public sealed partial class MessageQueue : IDisposable
{
    /// <summary>The first of the event ids of this class.</summary>
    const int FirstEvent = 1201;

    /// <summary>Leases written down at once, so that a message that arrives meanwhile does not wait long.</summary>
    const int Batch = 64;

    /// <summary>Contents of messages on their way from intake to their first attempt.</summary>
    const int MemoryOctets = 32 * 1024 * 1024;

    /// <summary>Looks that found nothing, while there was more to look at, in <see cref="s_emptyLooks"/>.</summary>
    const int MaxEmptyLooks = 64;

    static readonly TimeSpan s_emptyLooks = TimeSpan.FromSeconds(1);

    /// <summary>The longest wait without a look at the clock, which may be set while we wait.</summary>
    static readonly TimeSpan s_longestWait = TimeSpan.FromMinutes(5);

    static readonly TimeSpan s_firstPause = TimeSpan.FromSeconds(1);
    static readonly TimeSpan s_longestPause = TimeSpan.FromSeconds(30);

    readonly IQueueStore _store;
    readonly RetrySchedule _schedule;
    readonly TimeProvider _clock;
    readonly ILogger _log;
    readonly ITimer _due;
    readonly ContentMemory _contents = new(MemoryOctets);
    readonly Channel<bool> _wake = Channel.CreateBounded<bool>(
        new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });

    ILeaseTaker? _taker;
    DateTimeOffset _emptySince;
    int _emptyLooks;

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

    /// <summary>Step 4: completes once the message is on stable storage; the caller may then say 250 (RFC 5321 §6.1). Where its
    /// destination has room it is leased in the same breath.</summary>
    /// <exception cref="QueueStoreException">It is not kept.</exception>
    public async ValueTask AddAsync(StoredMessage message, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(message);
        var taker = Volatile.Read(ref _taker);
        if (taker is null)
        {
            await _store.AddAsync(message, null, cancel);
            Wake();
            return;
        }

        var leases = await _store.AddAsync(message, new LeaseTerms(_clock.GetUtcNow(), _schedule, taker), cancel);
        _contents.Keep(message, leases.Length);
        foreach (var lease in leases)
        {
            taker.Take(lease);
        }

        // What was not leased waits in the store: it falls due, or waits for room.
        if (leases.Sum(lease => lease.Pending.Recipients.Length) < message.Envelope.Recipients.Length)
        {
            Wake();
        }
    }

    /// <summary>Hands leases to their taker as they fall due, until cancelled. When the store fails, this waits and goes on. One at
    /// a time.</summary>
    /// <exception cref="OperationCanceledException"><paramref name="cancel"/>.</exception>
    public async Task FeedAsync(ILeaseTaker taker, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(taker);
        Volatile.Write(ref _taker, taker);
        try
        {
            while (true)
            {
                var scan = await LeaseAsync(taker, cancel);
                foreach (var lease in scan.Leases)
                {
                    taker.Take(lease);
                }

                cancel.ThrowIfCancellationRequested();
                if (!scan.More)
                {
                    taker.EndRound();
                    SetTimer(scan.NextDue);
                    await _wake.Reader.ReadAsync(cancel);
                }
                else if (scan.Leases.IsEmpty && !MayLookOn())
                {
                    SetTimer(_clock.GetUtcNow() + s_emptyLooks);
                    await _wake.Reader.ReadAsync(cancel);
                }
            }
        }
        finally
        {
            Volatile.Write(ref _taker, null);
        }
    }

    /// <summary>Looks again at what is due: a taker has room for more, or somebody changed what waits.</summary>
    public void Wake() => _wake.Writer.TryWrite(true);

    /// <summary>The content as it was received; the caller disposes it.</summary>
    /// <exception cref="QueueStoreException">It cannot be read.</exception>
    public ValueTask<Stream> OpenContentAsync(QueueId id, CancellationToken cancel) =>
        _contents.TryOpen(id) is { } content ? ValueTask.FromResult(content) : _store.OpenContentAsync(id, cancel);

    /// <summary>Writes down what became of a lease, with the bounces it caused. While the store fails, this waits and tries
    /// again: the peer may have the message, and an attempt that is forgotten is a message delivered twice.</summary>
    public async ValueTask SettleAsync(
        QueueLease lease, Settlement settlement, ImmutableArray<StoredMessage> reports, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(lease);
        ArgumentNullException.ThrowIfNull(settlement);
        await UntilDoneAsync(
            () => _store.SettleAsync(lease, settlement, reports, cancel), e => LogSettleFailed(_log, e, lease.Id, lease.Domain), cancel);
        _contents.LetGo(lease.Id);
        if (reports.Length > 0 || settlement.Outcomes.Any(outcome => outcome is RecipientOutcome.Deferred))
        {
            Wake();
        }
    }

    /// <summary>Gives back leases that were not attempted. While the store fails, this waits and tries again.</summary>
    public async ValueTask ReturnAsync(ImmutableArray<QueueLease> leases, CancellationToken cancel)
    {
        foreach (var lease in leases)
        {
            _contents.LetGo(lease.Id);
        }

        await UntilDoneAsync(() => _store.ReturnAsync(leases, cancel), e => LogReturnFailed(_log, e, leases.Length), cancel);
        Wake();
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

    async ValueTask<LeaseScan> LeaseAsync(ILeaseTaker taker, CancellationToken cancel)
    {
        for (var pause = s_firstPause; ; pause = Longer(pause))
        {
            try
            {
                return await _store.LeaseDueAsync(new LeaseTerms(_clock.GetUtcNow(), _schedule, taker), Batch, cancel);
            }
            catch (QueueStoreException e)
            {
                LogLeaseFailed(_log, e, pause.TotalSeconds);
            }

            await Task.Delay(pause, _clock, cancel);
        }
    }

    async ValueTask UntilDoneAsync(Func<ValueTask> write, Action<QueueStoreException> failed, CancellationToken cancel)
    {
        for (var pause = s_firstPause; ; pause = Longer(pause))
        {
            try
            {
                await write();
                return;
            }
            catch (QueueStoreException e)
            {
                failed(e);
            }

            await Task.Delay(pause, _clock, cancel);
        }
    }

    /// <summary>Whether one more look may follow one that found no lease. Tens of thousands of domains that wait for one full smart
    /// host must not keep the store busy; who wakes the queue because of new room still gets a look at once.</summary>
    bool MayLookOn()
    {
        var now = _clock.GetUtcNow();
        if (now - _emptySince >= s_emptyLooks)
        {
            _emptySince = now;
            _emptyLooks = 0;
        }

        return ++_emptyLooks <= MaxEmptyLooks;
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

        // A clock that was set forward between the two lines above is ahead of the timer.
        if (wait > TimeSpan.Zero && _clock.GetUtcNow() >= due.Value)
        {
            Wake();
        }
    }

    static TimeSpan Longer(TimeSpan pause) => pause * 2 < s_longestPause ? pause * 2 : s_longestPause;

    [LoggerMessage(FirstEvent, LogLevel.Error, "The queue cannot be read; the next look is in {Seconds} seconds")]
    static partial void LogLeaseFailed(ILogger log, Exception e, double seconds);

    [LoggerMessage(
        FirstEvent + 1, LogLevel.Error,
        "What became of message {Id} for {Domain} could not be written down; it is tried again while the gateway runs")]
    static partial void LogSettleFailed(ILogger log, Exception e, QueueId id, string domain);

    [LoggerMessage(
        FirstEvent + 2, LogLevel.Error,
        "{Count} messages could not be given back to the queue; it is tried again while the gateway runs")]
    static partial void LogReturnFailed(ILogger log, Exception e, int count);
}
