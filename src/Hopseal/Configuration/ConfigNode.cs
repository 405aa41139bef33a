using System.Collections.Immutable;

namespace Hopseal.Configuration;

/// <summary>Where a value was written: a file and its line, counted from 1, or an environment variable.</summary>
readonly record struct Origin(string Source, int? Line = null)
{
    public bool IsEnvironment => Line is null;

    public override string ToString() => Line is null ? Source : $"{Source}:{Line}";
}

/// <summary>One value of a configuration as it was written, not yet judged.</summary>
abstract record ConfigNode
{
    ConfigNode(Origin origin) => Origin = origin;

    public Origin Origin { get; }

    /// <summary>The kind in words, for a person who wrote the wrong one.</summary>
    public abstract string Kind { get; }

    public sealed record Table(Origin At, ImmutableArray<ConfigMember> Members) : ConfigNode(At)
    {
        public override string Kind => "an object";

        public ConfigMember? Find(string name) => Members.FirstOrDefault(member => member.Name == name);
    }

    public sealed record List(Origin At, ImmutableArray<ConfigNode> Items) : ConfigNode(At)
    {
        public override string Kind => "a list";
    }

    public sealed record Text(Origin At, string Value) : ConfigNode(At)
    {
        public override string Kind => "a text";
    }

    /// <param name="Written">The digits as they stand in the file.</param>
    public sealed record Number(Origin At, string Written) : ConfigNode(At)
    {
        public override string Kind => "a number";
    }

    public sealed record Flag(Origin At, bool Value) : ConfigNode(At)
    {
        public override string Kind => Value ? "true" : "false";
    }

    /// <summary><c>null</c>, or an environment variable without content: as if the key were not there.</summary>
    public sealed record Nothing(Origin At) : ConfigNode(At)
    {
        public override string Kind => "null";
    }
}

sealed record ConfigMember(string Name, Origin Origin, ConfigNode Value);
