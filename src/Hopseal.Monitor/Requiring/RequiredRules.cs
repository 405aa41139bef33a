using System.Collections.Immutable;
using Hopseal.Dns;
using Hopseal.Policy;
using Microsoft.Extensions.Logging;

namespace Hopseal.Monitor.Requiring;

/// <summary>The rules of <see cref="RequiredRule"/> that are in force, one for a domain. They add to those of the configuration and never lower one; whoever wants less
/// takes one back, or writes an exception.</summary>
/// <remarks>Any thread may use it. A change counts when it is on stable storage.</remarks>
public sealed partial class RequiredRules(RequiredFile file, ILogger<RequiredRules> log)
{
    readonly Lock _lock = new();
    volatile State _state = State.Of(ImmutableDictionary<DomainName, RequiredRule>.Empty);

    /// <summary>By domain.</summary>
    public ImmutableArray<RequiredRule> All => _state.All;

    /// <summary>The same, for the planner. The array is another one whenever something changed.</summary>
    public ImmutableArray<OutboundRule> Rules => _state.Rules;

    public RequiredRule? Find(DomainName domain) => _state.ByDomain.GetValueOrDefault(domain);

    /// <summary>Before the first message is planned.</summary>
    /// <inheritdoc cref="RequiredFile.Load"/>
    public void Restore()
    {
        lock (_lock)
        {
            _state = State.Of(file.Load().ToImmutableDictionary(rule => rule.Domain));
        }
    }

    /// <summary>Adds a rule, or takes the place of the one for the same domain.</summary>
    /// <returns>Why it was not done; null when it was.</returns>
    /// <exception cref="IOException">It cannot be written, and nothing changed.</exception>
    /// <exception cref="UnauthorizedAccessException">The same.</exception>
    public string? Add(RequiredRule rule)
    {
        ArgumentNullException.ThrowIfNull(rule);
        if (rule.Fault is { } fault)
        {
            return fault;
        }

        lock (_lock)
        {
            if (Find(rule.Domain) is { } before && rule.IsBelow(before))
            {
                return $"{before.Owner} requires more of {rule.Domain.Ascii} since {before.Since.UtcDateTime:yyyy-MM-dd}: take that back first";
            }

            Change(_state.ByDomain.SetItem(rule.Domain, rule));
        }

        LogAdded(log, rule.Domain.Ascii, rule.Floor.ToString(), rule.MinimumVersion?.ToString() ?? "any", string.Join(' ', rule.Names), rule.Owner, rule.Because);
        return null;
    }

    /// <param name="owner">Who takes it back.</param>
    /// <returns>The rule that was there; null when there was none.</returns>
    /// <exception cref="IOException">It cannot be written, and nothing changed.</exception>
    /// <exception cref="UnauthorizedAccessException">The same.</exception>
    public RequiredRule? Remove(DomainName domain, string owner)
    {
        RequiredRule? removed;
        lock (_lock)
        {
            removed = Find(domain);
            if (removed is null)
            {
                return null;
            }

            Change(_state.ByDomain.Remove(domain));
        }

        LogRemoved(log, domain.Ascii, removed.Floor.ToString(), removed.Owner, removed.Since.UtcDateTime.ToString("yyyy-MM-dd", System.Globalization.CultureInfo.InvariantCulture), owner);
        return removed;
    }

    void Change(ImmutableDictionary<DomainName, RequiredRule> rules)
    {
        var next = State.Of(rules);
        file.Save(next.All);
        _state = next;
    }

    [LoggerMessage(3450, LogLevel.Information, "Mail for {Domain} has to have {Floor} from now on, TLS {Version}, names {Names}: {Owner} requires it, because {Because}")]
    static partial void LogAdded(ILogger log, string domain, string floor, string version, string names, string owner, string because);

    [LoggerMessage(3451, LogLevel.Warning, "What mail for {Domain} had to have ({Floor}, required by {Owner} on {Since}) was taken back by {Who}")]
    static partial void LogRemoved(ILogger log, string domain, string floor, string owner, string since, string who);

    sealed record State(ImmutableDictionary<DomainName, RequiredRule> ByDomain, ImmutableArray<RequiredRule> All, ImmutableArray<OutboundRule> Rules)
    {
        public static State Of(ImmutableDictionary<DomainName, RequiredRule> rules)
        {
            ImmutableArray<RequiredRule> all = [.. rules.Values.OrderBy(rule => rule.Domain.Ascii, StringComparer.Ordinal)];
            return new State(rules, all, [.. all.Select(rule => rule.Rule)]);
        }
    }
}
