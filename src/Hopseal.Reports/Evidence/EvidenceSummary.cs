using System.Globalization;

namespace Hopseal.Reports.Evidence;

/// <summary>What the report shows, and how its numbers are written.</summary>
public sealed record EvidenceSummary(EvidenceQuery Query, DateTimeOffset MadeAt, EvidenceSums Sums, ChainStatus Chain)
{
    public const int MostRows = 200;

    public static string Number(long number) => number.ToString("N0", CultureInfo.InvariantCulture).Replace(',', ' ');

    /// <summary>In percent; rounded down, so that 100 % means every single one.</summary>
    public static string Share(long part, long whole) =>
        whole == 0 ? "–" : string.Create(CultureInfo.InvariantCulture, $"{Math.Floor(1000m * part / whole) / 10:0.0} %");

    public static string EncryptedShare(HopCount count) => Share(count.Authenticated + count.Encrypted, count.Delivered);

    public static string AuthenticatedShare(HopCount count) => Share(count.Authenticated, count.Delivered);

    public static string Time(DateTimeOffset time) => time.UtcDateTime.ToString("yyyy-MM-dd HH:mm", CultureInfo.InvariantCulture) + " UTC";

    /// <summary>The time of an entry, to the second.</summary>
    public static string Clock(string time) => EntryTime.TryParse(time, out var parsed)
        ? parsed.UtcDateTime.ToString("yyyy-MM-dd HH:mm:ss", CultureInfo.InvariantCulture)
        : time;
}
