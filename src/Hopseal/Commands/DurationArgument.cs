using System.Globalization;
using Hopseal.Configuration;

namespace Hopseal.Commands;

/// <summary>How long, as people write it: <c>30m</c>, <c>12h</c>, <c>7d</c>.</summary>
static class DurationArgument
{
    /// <summary>A year.</summary>
    public static readonly TimeSpan Longest = TimeSpan.FromDays(366);

    /// <exception cref="UsageException">It is none, or not between a minute and <see cref="Longest"/>.</exception>
    public static TimeSpan Parse(string text)
    {
        var unit = text.Length > 0 ? text[^1] : default;
        var one = unit switch
        {
            'm' => TimeSpan.FromMinutes(1),
            'h' => TimeSpan.FromHours(1),
            'd' => TimeSpan.FromDays(1),
            _ => TimeSpan.Zero,
        };
        return one > TimeSpan.Zero && int.TryParse(text.AsSpan(0, text.Length - 1), NumberStyles.None, CultureInfo.InvariantCulture, out var count) && count > 0
            && count <= Longest / one
            ? one * count
            : throw new UsageException($"{Shown.Text(text)} is not a time such as 30m, 12h or 7d, of a year at most");
    }
}
