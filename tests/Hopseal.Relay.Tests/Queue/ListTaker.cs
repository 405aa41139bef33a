using Hopseal.Relay.Queue;

namespace Hopseal.Relay.Tests.Queue;

/// <summary>Takes what it is told to take, and keeps it in a list.</summary>
sealed class ListTaker : ILeaseTaker
{
    readonly Lock _lock = new();
    TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>By domain, and whether the message is new. Everything, unless given.</summary>
    public Func<string, bool, LeaseAnswer> Answer { get; init; } = (_, _) => LeaseAnswer.Yes.Instance;

    public bool TakesSuspended { get; init; } = true;

    public List<string> Asked { get; } = [];

    public List<QueueLease> Taken { get; } = [];

    public int Rounds { get; private set; }

    /// <summary>Places reserved and neither filled nor given back.</summary>
    public int Reserved { get; private set; }

    public LeaseAnswer Ask(string domain, bool arriving)
    {
        lock (_lock)
        {
            Asked.Add(domain);
            var answer = Answer(domain, arriving);
            Reserved += answer is LeaseAnswer.Yes ? 1 : 0;
            return answer;
        }
    }

    public bool AskSuspended()
    {
        lock (_lock)
        {
            Reserved += TakesSuspended ? 1 : 0;
            return TakesSuspended;
        }
    }

    public void Release(string domain, bool suspended)
    {
        lock (_lock)
        {
            Reserved--;
        }
    }

    public void Take(QueueLease lease) => Change(() =>
    {
        Reserved--;
        Taken.Add(lease);
    });

    public void EndRound() => Change(() => Rounds++);

    /// <summary>Waits for the lease with this number, from 1.</summary>
    public async Task<QueueLease> TakenAsync(int count)
    {
        await UntilAsync(() => Taken.Count >= count);
        return Taken[count - 1];
    }

    public async Task UntilAsync(Func<bool> condition)
    {
        while (true)
        {
            Task changed;
            lock (_lock)
            {
                if (condition())
                {
                    return;
                }

                changed = _changed.Task;
            }

            await changed.WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);
        }
    }

    void Change(Action change)
    {
        lock (_lock)
        {
            change();
            _changed.SetResult();
            _changed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        }
    }
}

static class StoreAdds
{
    /// <summary>Adds a message that waits to be leased.</summary>
    public static async ValueTask AddAsync(this IQueueStore store, StoredMessage message, CancellationToken cancel) =>
        await store.AddAsync(message, terms: null, cancel);
}
