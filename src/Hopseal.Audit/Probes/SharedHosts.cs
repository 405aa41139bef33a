using System.Diagnostics.CodeAnalysis;
using Hopseal.Audit.Facts;

namespace Hopseal.Audit.Probes;

/// <summary>What was found at hosts in this run: thousands of domains lie at the same few, which are asked once. Bounded: what nobody came
/// back to for longest is forgotten, and asked again if need be. Any thread may use it.</summary>
/// <param name="most">Hosts that are remembered, beside those that are being asked just now.</param>
sealed class SharedHosts(int most = SharedHosts.Most)
{
    /// <summary>Facts about a host with one address are some tens of kilobytes.</summary>
    public const int Most = 2000;

    readonly Lock _lock = new();
    readonly Dictionary<(string Name, bool Signed), LinkedListNode<Known>> _known = [];
    readonly LinkedList<Known> _byUse = [];

    /// <summary>How many are remembered or being asked.</summary>
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

    public async Task<HostFacts> FindAsync((string Name, bool Signed) key, Func<Task<HostFacts>> ask, CancellationToken cancel)
    {
        Task<HostFacts> asking;
        lock (_lock)
        {
            if (!TryUse(key, out asking!))
            {
                asking = Task.Run(ask, cancel);
                _known[key] = _byUse.AddLast(new Known(key, asking));
                Forget();
            }
        }

        return await asking.WaitAsync(cancel);
    }

    bool TryUse((string Name, bool Signed) key, [NotNullWhen(true)] out Task<HostFacts>? asking)
    {
        asking = null;
        if (!_known.TryGetValue(key, out var node))
        {
            return false;
        }

        _byUse.Remove(node);
        if (node.Value.Asking is { IsCanceled: true } or { IsFaulted: true })
        {
            _known.Remove(key);
            return false;
        }

        _byUse.AddLast(node);
        asking = node.Value.Asking;
        return true;
    }

    /// <summary>Who is being asked stays, or would be asked twice at once.</summary>
    void Forget()
    {
        for (var node = _byUse.First; node is not null && _known.Count > most;)
        {
            var next = node.Next;
            if (node.Value.Asking.IsCompleted)
            {
                _byUse.Remove(node);
                _known.Remove(node.Value.Key);
            }

            node = next;
        }
    }

    sealed record Known((string Name, bool Signed) Key, Task<HostFacts> Asking);
}
