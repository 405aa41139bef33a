using System.Globalization;
using System.Text;

namespace Hopseal.Reports.Evidence;

/// <summary>Times of the ledger: UTC to the millisecond, always of the same length, so that their order is that of their octets.</summary>
static class EntryTime
{
    public const int Length = 24;
    const string Format = "yyyy-MM-dd'T'HH:mm:ss.fff'Z'";

    public static string Write(DateTimeOffset time) => time.UtcDateTime.ToString(Format, CultureInfo.InvariantCulture);

    public static byte[] Octets(DateTimeOffset time) => Encoding.ASCII.GetBytes(Write(time));

    public static bool TryParse(string? text, out DateTimeOffset time) => DateTimeOffset.TryParseExact(
        text, Format, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out time);

    public static DateOnly DayOf(DateTimeOffset time) => DateOnly.FromDateTime(time.UtcDateTime);
}
