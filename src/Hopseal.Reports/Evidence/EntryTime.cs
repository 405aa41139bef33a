using System.Globalization;
using System.Text;

namespace Hopseal.Reports.Evidence;

/// <summary>Times of the ledger: UTC to the millisecond, always of the same length, so that their order is that of their octets.</summary>
static class EntryTime
{
    public const int Length = 24;

    /// <summary>What <see cref="Write(DateTimeOffset, Span{byte})"/> needs.</summary>
    public const int Room = 28;
    const string Format = "yyyy-MM-dd'T'HH:mm:ss.fff'Z'";

    public static string Write(DateTimeOffset time) => time.UtcDateTime.ToString(Format, CultureInfo.InvariantCulture);

    /// <summary>The same in octets.</summary>
    /// <param name="room">Those of the round-trip format, of which this is the beginning: it is the one that the runtime writes fast.</param>
    public static ReadOnlySpan<byte> Write(DateTimeOffset time, Span<byte> room)
    {
        if (!time.UtcDateTime.TryFormat(room, out _, "O", CultureInfo.InvariantCulture))
        {
            throw new ArgumentException($"{room.Length} octets are too few", nameof(room));
        }

        room[Length - 1] = (byte)'Z';
        return room[..Length];
    }

    public static byte[] Octets(DateTimeOffset time) => Encoding.ASCII.GetBytes(Write(time));

    public static bool TryParse(string? text, out DateTimeOffset time) => DateTimeOffset.TryParseExact(
        text, Format, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out time);

    public static DateOnly DayOf(DateTimeOffset time) => DateOnly.FromDateTime(time.UtcDateTime);
}
