namespace Hopseal.Configuration;

/// <summary>One object of the configuration while it is read: remembers which keys were asked for, so that
/// <see cref="Close"/> can name the ones that mean nothing.</summary>
sealed class Section(ConfigNode.Table table, string key, FaultList faults)
{
    readonly HashSet<string> _known = new(StringComparer.Ordinal);

    public string Key { get; } = key;

    public Origin Origin => table.Origin;

    /// <summary>Null when the key is missing, or null.</summary>
    public Setting? Find(string name)
    {
        _known.Add(name);
        return table.Find(name) is { Value: not ConfigNode.Nothing } member
            ? new Setting(KeyPath.Member(Key, name), member.Value, faults)
            : null;
    }

    /// <summary>Null, with a fault, when the key is missing.</summary>
    public Setting? Require(string name)
    {
        var setting = Find(name);
        if (setting is null)
        {
            faults.Error(Origin, KeyPath.Member(Key, name), "is missing");
        }

        return setting;
    }

    /// <summary>The object behind a key; an empty one where there is none, so that its defaults apply.</summary>
    public Section Child(string name) =>
        Find(name)?.Section() ?? new Section(new ConfigNode.Table(Origin, []), KeyPath.Member(Key, name), faults);

    /// <summary>The objects of a list.</summary>
    public IEnumerable<Section> Children(string name) => Find(name)?.Items().Select(item => item.Section()).OfType<Section>() ?? [];

    /// <summary>Every member, whatever its name: for tables whose keys are data.</summary>
    public IEnumerable<(ConfigMember Name, Setting Value)> Members()
    {
        foreach (var member in table.Members)
        {
            _known.Add(member.Name);
            yield return (member, new Setting(KeyPath.Member(Key, member.Name), member.Value, faults));
        }
    }

    public void Error(string message) => faults.Error(Origin, Key, message);

    /// <param name="ofServing">See <see cref="ConfigFault.OfServing"/>.</param>
    public void Warn(string message, bool ofServing = false) => faults.Warn(Origin, Key, message, ofServing);

    /// <summary>To be called once every key was asked for.</summary>
    public void Close()
    {
        foreach (var member in table.Members.Where(member => !_known.Contains(member.Name)))
        {
            faults.Error(
                member.Origin,
                KeyPath.Member(Key, member.Name),
                "there is no such key" + Shown.DidYouMean(member.Name, _known));
        }
    }
}
