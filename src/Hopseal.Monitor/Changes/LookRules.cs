using System.Collections.Immutable;
using System.Globalization;
using Hopseal.Audit.Output;
using Hopseal.Reports.Alerts;

namespace Hopseal.Monitor.Changes;

/// <summary>Whether looking works: a monitor that sees nothing must not look like one that finds nothing wrong.</summary>
public static class LookRules
{
    /// <summary>Looks in a row that found nothing out.</summary>
    public const int Many = 3;

    static readonly TimeSpan s_leastDelay = TimeSpan.FromHours(2);

    /// <param name="since">When the monitor began to run: what was due before could not be done.</param>
    public static IEnumerable<(string Rule, Trouble Trouble)> Of(ImmutableArray<DomainHistory> histories, DateTimeOffset now, DateTimeOffset since)
    {
        foreach (var history in histories)
        {
            var domain = history.Domain.Name.Ascii;
            if (history.Looks.Inconclusive >= Many)
            {
                yield return (AlertRules.MonitorStale, new Trouble(
                    domain, history.Domain.As is WatchedAs.Own ? AlertSeverity.Warning : AlertSeverity.Info,
                    string.Create(CultureInfo.InvariantCulture, $"{history.Looks.Inconclusive} looks at {domain} in a row found nothing out: {history.Looks.Why ?? "no reason given"}"),
                    $"hopseal check {domain} shows what happens. What is told of it is what was seen last."));
            }
        }

        string[] late = [.. histories.Where(history => IsLate(history.Looks, now, since)).Select(history => history.Domain.Name.Ascii).Order(StringComparer.Ordinal)];
        if (late.Length > 0)
        {
            yield return (AlertRules.MonitorStale, new Trouble(
                "monitor", AlertSeverity.Warning, $"{(late.Length == 1 ? "A domain is not looked at as often as it should be" : $"{Words.Count(late.Length, "domain")} are not looked at as often as they should be")}: {Seen.Some(late)}",
                "The log says what the monitor does. More Monitor.Connections, or a longer Monitor.IntervalHours, lets it keep up."));
        }
    }

    /// <summary>The time to the next look is the interval, nearly: twice that went by without one.</summary>
    static bool IsLate(LookState looks, DateTimeOffset now, DateTimeOffset since)
    {
        var interval = looks.LastAt is { } last && looks.NextAt - last > s_leastDelay ? looks.NextAt - last : s_leastDelay;
        return now - (looks.NextAt > since ? looks.NextAt : since) > interval;
    }
}
