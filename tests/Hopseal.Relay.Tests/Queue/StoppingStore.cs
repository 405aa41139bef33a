using System.Collections.Immutable;
using Hopseal.Relay.Queue;

namespace Hopseal.Relay.Tests.Queue;

/// <summary>A store that dies at one given write, before it does it or after it has, and does nothing from then on.</summary>
/// <param name="stopAt">Counted from 0 over all calls that write.</param>
/// <param name="afterwards">The write is done, and nobody hears of it.</param>
sealed class StoppingStore(IQueueStore store, int stopAt, bool afterwards) : IQueueStore
{
    readonly Lock _lock = new();
    readonly HashSet<(QueueId Id, string Domain)> _leased = [];
    readonly Dictionary<QueueId, QueueId> _reportOn = [];
    int _writes;
    volatile bool _stopped;

    public bool Stopped => _stopped;

    /// <summary>What was leased when the end came: it may have been delivered, and it is not written down.</summary>
    public ILookup<QueueId, string> Unsettled => _leased.ToLookup(lease => lease.Id, lease => lease.Domain);

    /// <summary>The message that was kept by the last write of all, and whose client was told the opposite.</summary>
    public QueueId? KeptUnheard { get; private set; }

    /// <summary>By the id of a report, the message it is about.</summary>
    public IReadOnlyDictionary<QueueId, QueueId> ReportOn => _reportOn;

    public ValueTask<ImmutableArray<QueueLease>> AddAsync(StoredMessage message, LeaseTerms? terms, CancellationToken cancel) =>
        WriteAsync(() => store.AddAsync(message, terms, cancel), Note, leases =>
        {
            KeptUnheard = message.Id;
            Release(leases, terms);
        });

    public ValueTask<LeaseScan> LeaseDueAsync(LeaseTerms terms, int limit, CancellationToken cancel) =>
        WriteAsync(() => store.LeaseDueAsync(terms, limit, cancel), scan => Note(scan.Leases), scan => Release(scan.Leases, terms));

    public async ValueTask ReturnAsync(ImmutableArray<QueueLease> leases, CancellationToken cancel) => await WriteAsync(
        async () =>
        {
            await store.ReturnAsync(leases, cancel);
            return leases;
        },
        End);

    public async ValueTask SettleAsync(
        QueueLease lease, Settlement settlement, ImmutableArray<StoredMessage> reports, CancellationToken cancel)
    {
        lock (_lock)
        {
            foreach (var report in reports)
            {
                _reportOn[report.Id] = lease.Id;
            }
        }

        await WriteAsync(
            async () =>
            {
                await store.SettleAsync(lease, settlement, reports, cancel);
                return ImmutableArray.Create(lease);
            },
            End);
    }

    public ValueTask<Stream> OpenContentAsync(QueueId id, CancellationToken cancel)
    {
        Refuse();
        return store.OpenContentAsync(id, cancel);
    }

    public ValueTask<DelayScan> FindDelayedAsync(DateTimeOffset receivedBefore, DelayCursor? after, CancellationToken cancel)
    {
        Refuse();
        return store.FindDelayedAsync(receivedBefore, after, cancel);
    }

    public ValueTask<bool> WarnAsync(DelayedEntry entry, StoredMessage? report, CancellationToken cancel) =>
        WriteAsync(() => store.WarnAsync(entry, report, cancel), _ => { });

    public ValueTask<long> CountAsync(CancellationToken cancel) => store.CountAsync(cancel);

    public ValueTask DisposeAsync() => store.DisposeAsync();

    /// <summary>One at a time, so that no other write slips in while one is the last.</summary>
    async ValueTask<T> WriteAsync<T>(Func<ValueTask<T>> write, Action<T> note, Action<T>? forget = null)
    {
        ValueTask<T> doing;
        bool last;
        lock (_lock)
        {
            Refuse();
            last = _writes++ == stopAt;
            if (last)
            {
                _stopped = true;
            }

            if (last && !afterwards)
            {
                Refuse();
            }

            doing = write();
        }

        var done = await doing;
        lock (_lock)
        {
            note(done);
        }

        if (last)
        {
            forget?.Invoke(done);
            Refuse();
        }

        return done;
    }

    void Refuse()
    {
        if (_stopped)
        {
            throw new QueueStoreException("it stopped, as the test wants it");
        }
    }

    /// <summary>Who is not told of a lease has no place for it either.</summary>
    static void Release(ImmutableArray<QueueLease> leases, LeaseTerms? terms)
    {
        foreach (var lease in leases)
        {
            terms?.Taker.Release(lease.Domain, lease.Suspended);
        }
    }

    void Note(ImmutableArray<QueueLease> leases)
    {
        foreach (var lease in leases)
        {
            _leased.Add((lease.Id, lease.Domain));
        }
    }

    void End(ImmutableArray<QueueLease> leases)
    {
        foreach (var lease in leases)
        {
            _leased.Remove((lease.Id, lease.Domain));
        }
    }
}
