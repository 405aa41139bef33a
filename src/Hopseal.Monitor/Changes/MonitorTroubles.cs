using System.Collections.Frozen;
using System.Collections.Immutable;
using Hopseal.Relay;
using Hopseal.Reports.Alerts;

namespace Hopseal.Monitor.Changes;

/// <summary>What is to be told of all domains together.</summary>
public static class MonitorTroubles
{
    /// <summary>Of what peers said: behind it stand the domains.</summary>
    const int MostCharacters = 300;

    /// <summary>The rules, without those that nothing is said of.</summary>
    /// <param name="since">When the monitor began to run.</param>
    /// <remarks>A host that many domains use is one subject: its trouble names them. What one domain's look knows of it counts more than that another's
    /// does not know.</remarks>
    public static FrozenDictionary<string, ImmutableArray<Trouble>> Of(ImmutableArray<DomainHistory> histories, DateTimeOffset now, DateTimeOffset since)
    {
        var all = histories.SelectMany(history => MonitorRules.Of(history, now).Select(told => (told.Rule, told.Trouble, Domain: history.Domain.Name.Ascii)))
            .Concat(LookRules.Of(histories, now, since).Select(told => (told.Rule, told.Trouble, Domain: told.Trouble.Subject)));
        return all.GroupBy(told => told.Rule, StringComparer.Ordinal).ToFrozenDictionary(
            rule => rule.Key,
            rule => rule.GroupBy(told => told.Trouble.Subject, StringComparer.Ordinal)
                .Select(subject => One(subject.Key, [.. subject.Select(told => (told.Trouble, told.Domain))])).ToImmutableArray());
    }

    static Trouble One(string subject, ImmutableArray<(Trouble Trouble, string Domain)> told)
    {
        var known = told.RemoveAll(each => each.Trouble.IsUnknown);
        if (known.IsEmpty)
        {
            return told[0].Trouble;
        }

        var worst = known.MaxBy(each => each.Trouble.Severity);
        string[] domains = [.. known.Select(each => each.Domain).Distinct().Where(domain => domain != subject).Order(StringComparer.Ordinal)];
        return domains.Length == 0 ? worst.Trouble : worst.Trouble with { Text = $"{OneLine.Of(worst.Trouble.Text, MostCharacters)}. It takes mail of {Seen.Some(domains)}" };
    }
}
