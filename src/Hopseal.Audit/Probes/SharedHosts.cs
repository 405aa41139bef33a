using Hopseal.Audit.Facts;

namespace Hopseal.Audit.Probes;

/// <summary>What was found at hosts in this run: thousands of domains lie at the same few, which are asked once. Bounded: what nobody came
/// back to for longest is forgotten, and asked again if need be. Any thread may use it.</summary>
/// <param name="most">Hosts that are remembered. Those that are asked just now, or wait for it, do not count: a run bounds them itself, and they
/// would else push out what is worth most.</param>
sealed class SharedHosts(int most = SharedHosts.Most)
{
    /// <summary>Facts about a host with one address are some tens of kilobytes.</summary>
    public const int Most = 2000;

    readonly Lock _lock = new();
    readonly Dictionary<(string Name, bool Signed), Task<HostFacts>> _asking = [];
    readonly Dictionary<(string Name, bool Signed), LinkedListNode<Known>> _known = [];
    readonly LinkedList<Known> _byUse = [];

    /// <summary>How many are remembered.</summary>
    public int Count
    {
        get
        {
            lock (_lock)
            {
                return _known.Count;
            }
        }
    }

    /// <param name="ask">When it fails, all who wait for it are told, and the next one asks again.</param>
    public async Task<HostFacts> FindAsync((string Name, bool Signed) key, Func<Task<HostFacts>> ask, CancellationToken cancel)
    {
        Task<HostFacts> asking;
        lock (_lock)
        {
            if (_known.TryGetValue(key, out var node))
            {
                _byUse.Remove(node);
                _byUse.AddLast(node);
                return node.Value.Facts;
            }

            if (!_asking.TryGetValue(key, out asking!))
            {
                // Not within the lock, whatever it begins with.
                _asking[key] = asking = Task.Run(() => AskAsync(key, ask), CancellationToken.None);
            }
        }

        return await asking.WaitAsync(cancel);
    }

    async Task<HostFacts> AskAsync((string Name, bool Signed) key, Func<Task<HostFacts>> ask)
    {
        try
        {
            var facts = await ask();
            Remember(key, facts);
            return facts;
        }
        finally
        {
            lock (_lock)
            {
                _asking.Remove(key);
            }
        }
    }

    void Remember((string Name, bool Signed) key, HostFacts facts)
    {
        lock (_lock)
        {
            _known[key] = _byUse.AddLast(new Known(key, facts));
            if (_known.Count > most)
            {
                _known.Remove(_byUse.First!.Value.Key);
                _byUse.RemoveFirst();
            }
        }
    }

    sealed record Known((string Name, bool Signed) Key, HostFacts Facts);
}
