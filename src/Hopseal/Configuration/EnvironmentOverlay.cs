using System.Globalization;

namespace Hopseal.Configuration;

/// <summary>Lays environment variables over a file: <c>HOPSEAL__Limits__MessageBytes</c>, list items by their index
/// (<c>HOPSEAL__RelayFrom__0</c>; the next free index adds one). A variable without content unsets the key.</summary>
static class EnvironmentOverlay
{
    public const string Prefix = "HOPSEAL__";

    const string Separator = "__";

    public static ConfigNode.Table Apply(ConfigNode.Table table, IEnumerable<KeyValuePair<string, string>> variables, FaultList faults)
    {
        ConfigNode root = table;
        var ours = variables
            .Where(variable => variable.Key.StartsWith(Prefix, StringComparison.Ordinal))
            .Select(variable => (variable.Key, variable.Value, Path: variable.Key[Prefix.Length..].Split(Separator)))
            .OrderBy(variable => variable.Path, PathOrder.Instance);
        foreach (var (name, value, path) in ours)
        {
            var origin = new Origin(name);
            if (path.Any(part => part.Length == 0))
            {
                faults.Error(origin, "", "names no key: every part between the double underscores needs a name or an index");
                continue;
            }

            ConfigNode leaf = value.Length == 0 ? new ConfigNode.Nothing(origin) : new ConfigNode.Text(origin, value);
            root = Set(root, path, "", leaf, faults);
        }

        return (ConfigNode.Table)root;
    }

    static ConfigNode Set(ConfigNode? node, ReadOnlySpan<string> path, string key, ConfigNode leaf, FaultList faults)
    {
        if (path.IsEmpty)
        {
            return leaf;
        }

        var isIndex = int.TryParse(path[0], NumberStyles.None, CultureInfo.InvariantCulture, out var index);
        if (node is null or ConfigNode.Nothing)
        {
            node = isIndex ? new ConfigNode.List(leaf.Origin, []) : new ConfigNode.Table(leaf.Origin, []);
        }

        switch (node)
        {
            case ConfigNode.Table table:
                return SetMember(table, path, KeyPath.Member(key, path[0]), leaf, faults);
            case ConfigNode.List list when isIndex && index <= list.Items.Length:
                var old = index < list.Items.Length ? list.Items[index] : null;
                var item = Set(old, path[1..], KeyPath.Item(key, index), leaf, faults);
                return list with { Items = old is null ? list.Items.Add(item) : list.Items.SetItem(index, item) };
            case ConfigNode.List list:
                faults.Error(leaf.Origin, key, isIndex
                    ? $"index {index} leaves a gap: the list has {list.Items.Length} items"
                    : $"is a list: expected an index, found {Shown.Text(path[0])}");
                return node;
            default:
                faults.Error(leaf.Origin, key, $"is {node.Kind} in {node.Origin}, and has nothing named {Shown.Text(path[0])}");
                return node;
        }
    }

    static ConfigNode.Table SetMember(ConfigNode.Table table, ReadOnlySpan<string> path, string key, ConfigNode leaf, FaultList faults)
    {
        var old = table.Find(path[0]);
        var value = Set(old?.Value, path[1..], key, leaf, faults);
        return old is null
            ? table with { Members = table.Members.Add(new ConfigMember(path[0], leaf.Origin, value)) }
            : table with { Members = table.Members.Replace(old, old with { Value = value }) };
    }

    /// <summary>By name, and by number where both parts are numbers, so that item 10 comes after item 9.</summary>
    sealed class PathOrder : IComparer<string[]>
    {
        public static PathOrder Instance { get; } = new();

        public int Compare(string[]? x, string[]? y)
        {
            ArgumentNullException.ThrowIfNull(x);
            ArgumentNullException.ThrowIfNull(y);
            foreach (var (a, b) in x.Zip(y))
            {
                var order = int.TryParse(a, NumberStyles.None, CultureInfo.InvariantCulture, out var m)
                    && int.TryParse(b, NumberStyles.None, CultureInfo.InvariantCulture, out var n)
                    ? m.CompareTo(n)
                    : string.CompareOrdinal(a, b);
                if (order != 0)
                {
                    return order;
                }
            }

            return x.Length.CompareTo(y.Length);
        }
    }
}
