using System.Diagnostics.CodeAnalysis;
using DnsClient;

namespace Hopseal.Dns;

/// <summary>Answers for as long as they may be believed. Bounded: the least recently used one gives way. Failures are not
/// kept: the next attempt asks again.</summary>
sealed class AnswerCache(int capacity, TimeProvider clock)
{
    // Together with the capacity this bounds the memory; a larger answer is asked for again.
    const int MostRecords = 64;

    readonly Lock _lock = new();
    readonly Dictionary<(DomainName Name, QueryType Type), LinkedListNode<Entry>> _entries = [];
    readonly LinkedList<Entry> _byUse = [];

    public bool TryGet<T>(DomainName name, QueryType type, [NotNullWhen(true)] out DnsAnswer<T>? answer)
    {
        answer = null;
        TimeSpan left;
        lock (_lock)
        {
            if (!_entries.TryGetValue((name, type), out var node))
            {
                return false;
            }

            left = node.Value.Until - clock.GetUtcNow();
            if (left <= TimeSpan.Zero)
            {
                Remove(node);
                return false;
            }

            _byUse.Remove(node);
            _byUse.AddLast(node);
            answer = (DnsAnswer<T>)node.Value.Answer;
        }

        // The TTL counts down while the answer lies here.
        answer = answer is DnsAnswer<T>.Found found ? found with { Ttl = left } : answer;
        return true;
    }

    public void Add<T>(DomainName name, QueryType type, DnsAnswer<T> answer, TimeSpan keep)
    {
        if (keep <= TimeSpan.Zero || capacity == 0 || answer is DnsAnswer<T>.Failed or DnsAnswer<T>.Found { Records.Length: > MostRecords })
        {
            return;
        }

        var entry = new Entry((name, type), answer, clock.GetUtcNow() + keep);
        lock (_lock)
        {
            if (_entries.TryGetValue(entry.Key, out var old))
            {
                Remove(old);
            }
            else if (_entries.Count >= capacity)
            {
                Remove(_byUse.First!);
            }

            _entries[entry.Key] = _byUse.AddLast(entry);
        }
    }

    void Remove(LinkedListNode<Entry> node)
    {
        _byUse.Remove(node);
        _entries.Remove(node.Value.Key);
    }

    sealed record Entry((DomainName Name, QueryType Type) Key, object Answer, DateTimeOffset Until);
}
