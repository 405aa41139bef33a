using System.Globalization;

namespace Hopseal.Configuration;

/// <summary>When only what is critical is told. By the clock on the wall: in the time zone of the machine.</summary>
/// <param name="From">Included.</param>
/// <param name="To">Not included; earlier than <paramref name="From"/> where midnight is between.</param>
sealed record QuietHours(TimeOnly From, TimeOnly To)
{
    public const string Format = "HH:mm";

    public bool Hold(TimeOnly time) => From < To ? time >= From && time < To : time >= From || time < To;

    public static QuietHours? Read(Setting setting)
    {
        if (setting.Text() is not { } text)
        {
            return null;
        }

        if (text.Split('-') is not [var first, var last] || !TryParse(first, out var from) || !TryParse(last, out var to) || from == to)
        {
            setting.Error($"{Shown.Text(text)} is not a time of day and another, such as 22:00-07:00");
            return null;
        }

        return new QuietHours(from, to);
    }

    /// <summary>One time of day.</summary>
    public static TimeOnly? ReadTime(Setting setting)
    {
        if (setting.Text() is not { } text)
        {
            return null;
        }

        if (!TryParse(text, out var time))
        {
            setting.Error($"{Shown.Text(text)} is not a time of day, such as 07:30");
            return null;
        }

        return time;
    }

    static bool TryParse(string text, out TimeOnly time) => TimeOnly.TryParseExact(text, Format, CultureInfo.InvariantCulture, DateTimeStyles.None, out time);
}
