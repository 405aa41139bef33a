using System.Collections.Immutable;

namespace Hopseal.Configuration;

enum Severity
{
    Warning,
    Error,
}

/// <summary>One thing that is wrong with a configuration.</summary>
/// <param name="Key">For example <c>Listeners[1].Mode</c>; empty when the file as a whole is meant.</param>
sealed record ConfigFault(Severity Severity, Origin Origin, string Key, string Message)
{
    /// <summary>Of interest only to whoever starts a gateway, or asks what is wrong with its configuration.</summary>
    public bool OfServing { get; init; }

    /// <summary><c>hopseal.json:14: Listeners[1].Mode: "Foo" is none of …</c></summary>
    public override string ToString()
    {
        var severity = Severity is Severity.Warning ? "warning: " : "";
        return Key.Length == 0 ? $"{Origin}: {severity}{Message}" : $"{Origin}: {severity}{Key}: {Message}";
    }
}

/// <summary>Collects every fault, so that a person mends a file once and not once per fault.</summary>
sealed class FaultList
{
    // A file of 1 MiB could hold half a million faults; nobody reads past the first hundred.
    const int Most = 100;

    readonly List<ConfigFault> _faults = [];

    public bool HasErrors { get; private set; }

    public void Error(Origin origin, string key, string message)
    {
        HasErrors = true;
        Add(new ConfigFault(Severity.Error, origin, key, message));
    }

    public void Warn(Origin origin, string key, string message, bool ofServing = false) =>
        Add(new ConfigFault(Severity.Warning, origin, key, message) { OfServing = ofServing });

    /// <summary>In the order of the file, the environment last.</summary>
    public ImmutableArray<ConfigFault> InOrder() => [.. _faults.OrderBy(fault => fault.Origin.Line ?? int.MaxValue)];

    void Add(ConfigFault fault)
    {
        if (_faults.Count < Most)
        {
            _faults.Add(fault);
        }
        else if (_faults.Count == Most)
        {
            _faults.Add(new ConfigFault(fault.Severity, fault.Origin with { Line = int.MaxValue }, "", "and more; the first 100 are shown"));
        }
    }
}
