using System.Collections.Immutable;
using System.Globalization;
using Hopseal.Configuration;
using Hopseal.Policy;
using Microsoft.Extensions.Logging;

namespace Hopseal;

/// <summary>Tells the log that a rule with an end is near it, and that it has ended: once each, for as long as the gateway runs.</summary>
sealed partial class RuleWatch(ImmutableArray<DatedRule> rules, TimeProvider clock, ILogger<RuleWatch> log)
{
    readonly HashSet<OutboundRule> _near = [];
    readonly HashSet<OutboundRule> _ended = [];

    public void Look()
    {
        var today = DateOnly.FromDateTime(clock.GetUtcNow().UtcDateTime);
        foreach (var dated in rules)
        {
            if (!dated.AppliesOn(today) && _ended.Add(dated.Rule))
            {
                LogEnded(dated.Rule.Source, dated.Rule.Floor.ToString(), dated.Rule.Destination, Describe(dated));
            }
            else if (dated.LastDays(today) is { } days && _near.Add(dated.Rule))
            {
                LogNear(dated.Rule.Source, dated.Rule.Floor.ToString(), dated.Rule.Destination, days, Describe(dated));
            }
        }
    }

    static string Describe(DatedRule dated) => Shown.Plain(
        dated.Rule.Exception?.ToString() ?? string.Create(CultureInfo.InvariantCulture, $"until {dated.Until:yyyy-MM-dd}"));

    [LoggerMessage(2201, LogLevel.Warning, "{Rule} ({Floor} for {Destination}) expires in {Days} days: {Terms}")]
    partial void LogNear(string rule, string floor, string destination, int days, string terms);

    [LoggerMessage(2202, LogLevel.Warning, "{Rule} ({Floor} for {Destination}) has expired and is not applied any more: {Terms}")]
    partial void LogEnded(string rule, string floor, string destination, string terms);
}
