using System.Collections.Immutable;
using System.Globalization;
using Hopseal.Reports.Sessions;

namespace Hopseal.Reports.Alerts;

/// <summary>What the sums of deliveries say. Pure.</summary>
public static class DeliveryRules
{
    const long LeastAttempts = 10;
    const long LeastFailures = 5;
    const long LeastPlaintext = 20;
    const int MostSuspects = 200;
    const double Some = 0.1;
    const double Most = 0.5;

    /// <summary>Days before the one that is looked at.</summary>
    public const int Memory = 14;

    /// <summary>Destinations that may be among <see cref="Failures"/>: only of these more than two days have to be read. The busiest first.</summary>
    public static ImmutableArray<string> Suspects(IEnumerable<DestinationDay> recent) =>
    [
        .. recent.GroupBy(day => day.Domain, StringComparer.Ordinal)
            .Select(destination => (Domain: destination.Key, Attempts: destination.Sum(day => day.Attempts), Failures: destination.Sum(day => day.Failures)))
            .Where(sums => sums.Attempts >= LeastAttempts && sums.Failures >= LeastFailures && sums.Failures > sums.Attempts * Some)
            .OrderByDescending(sums => sums.Failures).Take(MostSuspects).Select(sums => sums.Domain)
    ];

    /// <summary>Destinations whose attempts fail more than a tenth of the time, unless that is how it always was there.</summary>
    /// <param name="days">Of all destinations, of <see cref="Memory"/> days and of today.</param>
    public static ImmutableArray<Trouble> Failures(IEnumerable<DestinationDay> days, DateOnly today)
    {
        ArgumentNullException.ThrowIfNull(days);
        var troubles = ImmutableArray.CreateBuilder<Trouble>();
        foreach (var destination in days.GroupBy(day => day.Domain, StringComparer.Ordinal))
        {
            // A quiet morning says little: yesterday counts with it.
            var recent = destination.Where(day => day.Day >= today.AddDays(-1)).ToArray();
            var (attempts, failures) = (recent.Sum(day => day.Attempts), recent.Sum(day => day.Failures));
            var share = attempts == 0 ? 0 : (double)failures / attempts;
            var usual = Median(destination.Where(day => day.Day < today.AddDays(-1) && day.Attempts > 0).Select(day => (double)day.Failures / day.Attempts));
            if (attempts >= LeastAttempts && failures >= LeastFailures && share > Some && share > usual * 2)
            {
                troubles.Add(new Trouble(
                    destination.Key, share >= Most ? AlertSeverity.Critical : AlertSeverity.Warning,
                    string.Create(CultureInfo.InvariantCulture, $"{share:P0} of {attempts} attempts to deliver to {destination.Key} failed since yesterday; usual is {usual:P0}"),
                    $"hopseal sessions --domain {destination.Key} --failed shows why; hopseal plan {destination.Key} shows what is demanded.", Certain: false));
            }
        }

        return troubles.ToImmutable();
    }

    /// <summary>Whether more of the outgoing sessions go without TLS than in the two weeks before.</summary>
    /// <param name="traffic">In buckets of an hour.</param>
    public static ImmutableArray<Trouble> Plaintext(IEnumerable<TrafficPoint> traffic, DateTimeOffset now)
    {
        ArgumentNullException.ThrowIfNull(traffic);
        var days = traffic.Where(point => point.Direction is Direction.Out && point.Level <= TransportLevel.Authenticated)
            .GroupBy(point => (int)Math.Floor((now - point.At).TotalDays))
            .ToDictionary(day => day.Key, day => (Plain: day.Where(point => point.Level is TransportLevel.Plaintext).Sum(point => point.Sessions), All: day.Sum(point => point.Sessions)));
        if (!days.TryGetValue(0, out var today) || today.Plain < LeastPlaintext)
        {
            return [];
        }

        var share = (double)today.Plain / today.All;
        var usual = Median(days.Where(day => day.Key > 0 && day.Value.All > 0).Select(day => (double)day.Value.Plain / day.Value.All));
        return share > (usual * 2) + 0.05
            ?
            [
                new Trouble(
                    "outgoing mail", AlertSeverity.Warning,
                    string.Create(CultureInfo.InvariantCulture, $"{share:P0} of the outgoing sessions of the last 24 hours had no TLS; usual is {usual:P0}"),
                    "hopseal sessions --direction out --level plaintext shows where to; a rule with \"Tls\": \"Encrypted\" holds mail back instead.", Certain: false),
            ]
            : [];
    }

    static double Median(IEnumerable<double> values)
    {
        var ordered = values.Order().ToArray();
        return ordered.Length == 0 ? 0 : ordered[ordered.Length / 2];
    }
}
