using System.Diagnostics.CodeAnalysis;
using Hopseal.Dns;

namespace Hopseal.Policy.MtaSts;

/// <summary>A bounded table by domain: what was not used for longest gives way. Not for several threads at once.</summary>
/// <param name="capacity">Of all weights together.</param>
/// <param name="weight">At least 1, and always the same for the same value.</param>
sealed class RecentlyUsed<T>(long capacity, Func<T, long> weight)
    where T : class
{
    readonly Dictionary<DomainName, LinkedListNode<(DomainName Domain, T Value)>> _byDomain = [];

    /// <summary>The one not used for longest first.</summary>
    readonly LinkedList<(DomainName Domain, T Value)> _byUse = [];
    long _weight;

    public IEnumerable<T> Values => _byUse.Select(entry => entry.Value);

    public bool TryGet(DomainName domain, [NotNullWhen(true)] out T? value)
    {
        if (!_byDomain.TryGetValue(domain, out var node))
        {
            value = null;
            return false;
        }

        _byUse.Remove(node);
        _byUse.AddLast(node);
        value = node.Value.Value;
        return true;
    }

    /// <summary>Puts it in the place of what is there. What alone weighs more than the capacity is not kept.</summary>
    public void Set(DomainName domain, T value)
    {
        Remove(domain);
        _byDomain[domain] = _byUse.AddLast((domain, value));
        _weight += weight(value);
        while (_weight > capacity)
        {
            Remove(_byUse.First!.Value.Domain);
        }
    }

    public void Remove(DomainName domain)
    {
        if (_byDomain.Remove(domain, out var node))
        {
            _byUse.Remove(node);
            _weight -= weight(node.Value.Value);
        }
    }
}
