using System.Collections.Frozen;
using System.Collections.Immutable;
using Hopseal.Monitor;
using Hopseal.Monitor.Changes;
using Hopseal.Reports.Alerts;

namespace Hopseal.Parts;

/// <summary>What the rules say of the domains that are watched. All rules of one round go by the same histories, which are read with the first.</summary>
/// <param name="histories">Of all domains; null where none are watched: then what was open of them ends.</param>
/// <param name="since">When the monitor began to run.</param>
sealed class MonitorWatches(Func<ImmutableArray<DomainHistory>>? histories, DateTimeOffset since)
{
    static readonly ImmutableArray<string> s_rules = [.. AlertRules.All.Where(rule => rule.StartsWith("monitor.", StringComparison.Ordinal)).Order(StringComparer.Ordinal)];

    FrozenDictionary<string, ImmutableArray<Trouble>>? _troubles;

    /// <summary>In this order: the first one reads.</summary>
    public ImmutableArray<(string Rule, Func<DateTimeOffset, CancellationToken, ValueTask<ImmutableArray<Trouble>?>> Look)> All =>
    [
        .. s_rules.Select<string, (string, Func<DateTimeOffset, CancellationToken, ValueTask<ImmutableArray<Trouble>?>>)>((rule, place) => (rule, (now, _) =>
        {
            if (place == 0)
            {
                Read(now);
            }

            return ValueTask.FromResult(Of(rule));
        }))
    ];

    void Read(DateTimeOffset now)
    {
        // What cannot be read is unknown to every rule.
        _troubles = null;
        _troubles = histories is null ? FrozenDictionary<string, ImmutableArray<Trouble>>.Empty : MonitorTroubles.Of(histories(), now, since);
    }

    ImmutableArray<Trouble>? Of(string rule) => _troubles is not { } troubles ? null : troubles.TryGetValue(rule, out var seen) ? seen : [];
}
