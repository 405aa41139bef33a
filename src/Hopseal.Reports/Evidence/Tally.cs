using System.Collections.Immutable;

namespace Hopseal.Reports.Evidence;

/// <summary>Counts for many kinds in bounded memory: those met first have a row of their own, what comes when there are too many is counted
/// together.</summary>
public sealed class Tally<TKey>(int most)
    where TKey : notnull
{
    readonly Dictionary<TKey, HopCount> _rows = [];

    /// <summary>Of the kinds without a row.</summary>
    HopCount Others { get; } = new();

    public bool IsEmpty => _rows.Count == 0;

    internal HopCount Of(TKey kind)
    {
        if (!_rows.TryGetValue(kind, out var row))
        {
            if (_rows.Count >= most)
            {
                return Others;
            }

            _rows.Add(kind, row = new HopCount());
        }

        return row;
    }

    /// <summary>The largest rows, and all the others as one; null when there are none.</summary>
    public (ImmutableArray<(TKey Kind, HopCount Count)> Rows, HopCount? Others) Largest(int number)
    {
        var ordered = _rows.OrderByDescending(row => row.Value.Delivered).ThenByDescending(row => row.Value.Failed).ToList();
        var others = new HopCount();
        others.Add(Others);
        foreach (var (_, count) in ordered.Skip(number))
        {
            others.Add(count);
        }

        return ([.. ordered.Take(number).Select(row => (row.Key, row.Value))], others.Delivered + others.Failed > 0 ? others : null);
    }

    public HopCount Sum()
    {
        var sum = new HopCount();
        sum.Add(Others);
        foreach (var count in _rows.Values)
        {
            sum.Add(count);
        }

        return sum;
    }
}
