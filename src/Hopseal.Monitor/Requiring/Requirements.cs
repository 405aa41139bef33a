using System.Collections.Immutable;
using Hopseal.Dns;

namespace Hopseal.Monitor.Requiring;

/// <summary>What people do about <see cref="RequiredRules"/>, by a page or a command: see what a domain could be held to, hold it to that, and let it go.</summary>
/// <param name="refuse">Why nothing can be required of a domain; null when it can.</param>
public sealed class Requirements(RequiredRules rules, Func<DomainName, string?> refuse, TimeProvider clock)
{
    /// <summary>By domain.</summary>
    public ImmutableArray<RequiredRule> All => rules.All;

    /// <summary>Null: nothing is required of it beside the configuration.</summary>
    public RequiredRule? Find(DomainName domain) => rules.Find(domain);

    /// <summary>What could be required of a domain that is watched.</summary>
    public ObservedProof ProofOf(DomainHistory history)
    {
        ArgumentNullException.ThrowIfNull(history);
        return refuse(history.Domain.Name) is { } why ? new ObservedProof.Nothing(why) : ObservedProof.Of(history);
    }

    /// <summary>Requires of a domain what it has proved.</summary>
    /// <param name="owner">Who says so.</param>
    /// <returns>Why it was not done; null when it was.</returns>
    public string? Require(DomainName domain, ObservedProof.Demand demand, string owner)
    {
        ArgumentNullException.ThrowIfNull(demand);
        return Require(new RequiredRule(domain, demand.Floor, demand.RuleVersion, demand.Names, owner, clock.GetUtcNow(), demand.Reason));
    }

    /// <summary>The same, of what somebody wrote down; its time becomes that of now.</summary>
    public string? Require(RequiredRule rule)
    {
        ArgumentNullException.ThrowIfNull(rule);
        return refuse(rule.Domain) ?? Try(() => rules.Add(rule with { Since = clock.GetUtcNow() }));
    }

    /// <summary>Takes back what was required of a domain. What the configuration and the domain itself ask for goes on.</summary>
    /// <param name="owner">Who takes it back.</param>
    /// <param name="removed">False when there was nothing.</param>
    /// <returns>Why it was not done; null when it was.</returns>
    public string? TakeBack(DomainName domain, string owner, out bool removed)
    {
        var done = false;
        var fault = Try(() =>
        {
            done = rules.Remove(domain, owner) is not null;
            return null;
        });
        removed = done;
        return fault;
    }

    static string? Try(Func<string?> change)
    {
        try
        {
            return change();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return $"nothing was changed, because it cannot be written down: {e.Message}";
        }
    }
}
