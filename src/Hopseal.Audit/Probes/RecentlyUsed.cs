using System.Diagnostics.CodeAnalysis;

namespace Hopseal.Audit.Probes;

/// <summary>A bounded memory: what nobody came back to for longest is forgotten. Any thread may use it.</summary>
/// <param name="most">Entries; at least 1.</param>
sealed class RecentlyUsed<TKey, TValue>(int most)
    where TKey : notnull
{
    readonly Lock _lock = new();
    readonly Dictionary<TKey, LinkedListNode<(TKey Key, TValue Value)>> _entries = [];
    readonly LinkedList<(TKey Key, TValue Value)> _byUse = [];

    public int Count
    {
        get
        {
            lock (_lock)
            {
                return _entries.Count;
            }
        }
    }

    public bool TryGet(TKey key, [MaybeNullWhen(false)] out TValue value)
    {
        lock (_lock)
        {
            if (!_entries.TryGetValue(key, out var entry))
            {
                value = default;
                return false;
            }

            _byUse.Remove(entry);
            _byUse.AddLast(entry);
            value = entry.Value.Value;
            return true;
        }
    }

    /// <summary>Instead of what was known.</summary>
    public void Set(TKey key, TValue value)
    {
        lock (_lock)
        {
            if (_entries.Remove(key, out var before))
            {
                _byUse.Remove(before);
            }

            _entries[key] = _byUse.AddLast((key, value));
            if (_entries.Count > most)
            {
                _entries.Remove(_byUse.First!.Value.Key);
                _byUse.RemoveFirst();
            }
        }
    }
}
