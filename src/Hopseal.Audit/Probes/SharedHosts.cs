using Hopseal.Audit.Facts;

namespace Hopseal.Audit.Probes;

/// <summary>What was found at hosts in this run: thousands of domains lie at the same few, which are asked once. Bounded: the oldest are
/// forgotten, and asked again if need be.</summary>
sealed class SharedHosts
{
    const int Most = 10_000;

    readonly Lock _lock = new();
    readonly Dictionary<(string Name, bool Signed), Task<HostFacts>> _known = [];
    readonly Queue<(string Name, bool Signed)> _order = [];

    public async Task<HostFacts> FindAsync((string Name, bool Signed) key, Func<Task<HostFacts>> ask, CancellationToken cancel)
    {
        Task<HostFacts> asking;
        lock (_lock)
        {
            if (!_known.TryGetValue(key, out asking!) || asking.IsCanceled || asking.IsFaulted)
            {
                _known[key] = asking = Task.Run(ask, cancel);
                _order.Enqueue(key);
                if (_order.Count > Most)
                {
                    _known.Remove(_order.Dequeue());
                }
            }
        }

        return await asking.WaitAsync(cancel);
    }
}
