using System.Globalization;

namespace Hopseal.Dashboard.Words;

/// <summary>Values as people read them. Times are UTC.</summary>
static class Shown
{
    public static string Time(DateTimeOffset at) => at.UtcDateTime.ToString("yyyy-MM-dd HH:mm:ss", CultureInfo.InvariantCulture);

    public static string Day(DateTimeOffset at) => at.UtcDateTime.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);

    /// <summary>For the attribute of <c>time</c>.</summary>
    public static string Machine(DateTimeOffset at) => at.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);

    /// <summary>For example <c>3 min ago</c> or <c>in 2 h</c>.</summary>
    public static string Distance(DateTimeOffset at, DateTimeOffset now)
    {
        var distance = (at - now).Duration();
        var words = distance switch
        {
            { TotalSeconds: < 60 } => $"{(int)distance.TotalSeconds} s",
            { TotalMinutes: < 60 } => $"{(int)distance.TotalMinutes} min",
            { TotalHours: < 48 } => $"{(int)distance.TotalHours} h",
            _ => $"{(int)distance.TotalDays} days",
        };
        return at > now ? $"in {words}" : $"{words} ago";
    }

    public static string Size(long octets) => octets switch
    {
        < 1024 => string.Create(CultureInfo.InvariantCulture, $"{octets} B"),
        < 1024 * 1024 => string.Create(CultureInfo.InvariantCulture, $"{octets / 1024.0:0.#} KiB"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{octets / (1024.0 * 1024):0.#} MiB"),
    };

    public static string Number(long number) => number.ToString("N0", CultureInfo.InvariantCulture);

    /// <summary>In percent, and never rounded up to all nor down to none.</summary>
    public static string Share(long part, long whole)
    {
        if (whole <= 0)
        {
            return "–";
        }

        var percent = 100.0 * part / whole;
        return part == whole ? "100 %"
            : part == 0 ? "0 %"
            : string.Create(CultureInfo.InvariantCulture, $"{Math.Clamp(percent, 0.1, 99.9):0.0} %");
    }

    /// <summary>Fingerprints in groups that can be compared by eye.</summary>
    public static string Hex(string hex) => string.Join(' ', hex.Chunk(4).Select(group => new string(group)));
}
