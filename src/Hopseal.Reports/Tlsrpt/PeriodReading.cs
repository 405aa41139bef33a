using System.Globalization;

namespace Hopseal.Reports.Tlsrpt;

/// <summary>Reads <c>date-range</c> (RFC 8460 §4.4): RFC 3339 §5.6, and what is written in its place.</summary>
static class PeriodReading
{
    static readonly string[] s_formats =
    [
        "yyyy-MM-dd'T'HH:mm:ssK", "yyyy-MM-dd'T'HH:mm:ss.FFFFFFFK", "yyyy-MM-dd' 'HH:mm:ssK", "yyyy-MM-dd' 'HH:mm:ss.FFFFFFFK",
        "yyyy-MM-dd'T'HH:mmK", "yyyy-MM-dd",
    ];

    public static ReportPeriod Read(JsonMembers range, ReportNotes notes)
    {
        var start = Time(range, "start-datetime", notes);
        var end = Time(range, "end-datetime", notes);
        if (start is not { } from || end is not { } to)
        {
            return default;
        }

        if (to < from)
        {
            notes.Reject(range.PathOf("end-datetime"), "is before the start");
            return default;
        }

        var period = new ReportPeriod(from, to);
        if (period.Days > 1)
        {
            notes.Warn("date-range", string.Create(CultureInfo.InvariantCulture, $"covers {period.Days} days, and should cover one"));
        }
        else if (to > from && to.TimeOfDay == TimeSpan.Zero)
        {
            notes.Warn("date-range", "ends with the next midnight; taken for the end of the day before");
        }

        return period;
    }

    static DateTimeOffset? Time(JsonMembers range, string name, ReportNotes notes)
    {
        var at = range.PathOf(name);
        if (range.Text(name, Presence.Optional) is not { } text)
        {
            notes.Reject(at, "is missing");
            return null;
        }

        if (text.Length <= 12 && long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var seconds)
            && seconds <= DateTimeOffset.MaxValue.ToUnixTimeSeconds())
        {
            notes.Warn(at, "is a number of seconds, and should be a date and time");
            return DateTimeOffset.FromUnixTimeSeconds(seconds);
        }

        // RFC 3339 allows lower case; 24:00 is how RFC 8460 §4.1 speaks of midnight, and no time of RFC 3339.
        var time = text.ToUpperInvariant();
        var midnight = time.Contains("T24:00:00", StringComparison.Ordinal);
        time = midnight ? time.Replace("T24:00:00", "T00:00:00", StringComparison.Ordinal) : time;
        if (!DateTimeOffset.TryParseExact(
                time, s_formats, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out var parsed)
            || parsed.Year is < 1990 or > 9990)
        {
            notes.Reject(at, "is no date and time");
            return null;
        }

        if (!time.EndsWith('Z') && !HasOffset(time))
        {
            notes.Warn(at, "has no time zone; taken for UTC");
        }

        if (midnight)
        {
            notes.Warn(at, "says 24:00; taken for the next midnight");
        }

        return midnight ? parsed.AddDays(1) : parsed;
    }

    /// <summary>As in <c>+01:00</c>.</summary>
    static bool HasOffset(string time) => time.Length > 6 && time[^6] is '+' or '-' && time[^3] == ':';
}
