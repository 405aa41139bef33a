using System.Collections.Immutable;
using Hopseal.Relay.Queue;

namespace Hopseal.Relay.Tests.Queue;

/// <summary>A store that refuses the next leases and settlements.</summary>
sealed class FaultyStore(IQueueStore store) : IQueueStore
{
    int _failures;

    public int Failures
    {
        get => _failures;
        set => _failures = value;
    }

    public ValueTask<ImmutableArray<QueueLease>> AddAsync(StoredMessage message, LeaseTerms? terms, CancellationToken cancel) =>
        store.AddAsync(message, terms, cancel);

    public ValueTask<LeaseScan> LeaseDueAsync(LeaseTerms terms, int limit, CancellationToken cancel)
    {
        Fail();
        return store.LeaseDueAsync(terms, limit, cancel);
    }

    public ValueTask ReturnAsync(ImmutableArray<QueueLease> leases, CancellationToken cancel)
    {
        Fail();
        return store.ReturnAsync(leases, cancel);
    }

    public ValueTask<Stream> OpenContentAsync(QueueId id, CancellationToken cancel) => store.OpenContentAsync(id, cancel);

    public ValueTask SettleAsync(
        QueueLease lease, Settlement settlement, ImmutableArray<StoredMessage> reports, CancellationToken cancel)
    {
        Fail();
        return store.SettleAsync(lease, settlement, reports, cancel);
    }

    public ValueTask<DelayScan> FindDelayedAsync(DateTimeOffset receivedBefore, DelayCursor? after, CancellationToken cancel)
    {
        Fail();
        return store.FindDelayedAsync(receivedBefore, after, cancel);
    }

    public ValueTask<bool> WarnAsync(DelayedEntry entry, StoredMessage? report, CancellationToken cancel)
    {
        Fail();
        return store.WarnAsync(entry, report, cancel);
    }

    public ValueTask<long> CountAsync(CancellationToken cancel) => store.CountAsync(cancel);

    public ValueTask DisposeAsync() => store.DisposeAsync();

    void Fail()
    {
        if (_failures > 0)
        {
            _failures--;
            throw new QueueStoreException("as the test wants it");
        }
    }
}
