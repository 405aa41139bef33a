using System.Collections.Immutable;
using System.Globalization;
using Hopseal.Reports.Sessions;

namespace Hopseal.Dashboard.Words;

/// <summary>Messages of one direction over time, by what carried them; a bucket where there was nothing is there too.</summary>
public sealed record Traffic(ImmutableArray<DateTimeOffset> Buckets, ImmutableDictionary<TransportLevel, ImmutableArray<long>> Messages)
{
    /// <summary>Those that carry something, the best first.</summary>
    public static ImmutableArray<TransportLevel> Levels { get; } = [TransportLevel.Authenticated, TransportLevel.Encrypted, TransportLevel.Plaintext];

    public long All => Levels.Sum(Of);

    public long Encrypted => Of(TransportLevel.Encrypted) + Of(TransportLevel.Authenticated);

    public long Of(TransportLevel level) => Messages[level].Sum();

    /// <param name="bucket">Whole hours.</param>
    public static Traffic Of(IEnumerable<TrafficPoint> points, Direction direction, DateTimeOffset from, DateTimeOffset to, TimeSpan bucket)
    {
        var first = from.ToUnixTimeMilliseconds() / (long)bucket.TotalMilliseconds;
        var count = (int)Math.Clamp((to.ToUnixTimeMilliseconds() / (long)bucket.TotalMilliseconds) - first + 1, 1, 1000);
        var sums = Levels.ToDictionary(level => level, _ => new long[count]);
        foreach (var point in points.Where(point => point.Direction == direction && sums.ContainsKey(point.Level)))
        {
            var index = (point.At.ToUnixTimeMilliseconds() / (long)bucket.TotalMilliseconds) - first;
            if (index >= 0 && index < count)
            {
                sums[point.Level][index] += point.Messages;
            }
        }

        return new Traffic(
            [.. Enumerable.Range(0, count).Select(i => DateTimeOffset.FromUnixTimeMilliseconds((first + i) * (long)bucket.TotalMilliseconds))],
            sums.ToImmutableDictionary(pair => pair.Key, pair => pair.Value.ToImmutableArray()));
    }

    /// <summary>Under the bars: hours of a day, or days.</summary>
    public static string Label(DateTimeOffset at, TimeSpan bucket) =>
        at.UtcDateTime.ToString(bucket < TimeSpan.FromDays(1) ? "HH:mm" : "d MMM", CultureInfo.InvariantCulture);
}
