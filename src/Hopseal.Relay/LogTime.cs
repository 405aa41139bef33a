using System.Globalization;

namespace Hopseal.Relay;

/// <summary>A time as it stands in the log, in the words of a line and in its fields alike: UTC, as RFC 3339 §5.6 has it. A date that is handed to a logger as it is
/// is written by the runtime, month first.</summary>
public readonly record struct LogTime
{
    readonly DateTime _utc;
    readonly bool _isDay;

    LogTime(DateTime utc, bool isDay) => (_utc, _isDay) = (utc, isDay);

    public static implicit operator LogTime(DateTimeOffset at) => FromDateTimeOffset(at);

    public static implicit operator LogTime(DateOnly day) => FromDateOnly(day);

    public static LogTime FromDateTimeOffset(DateTimeOffset at) => new(at.UtcDateTime, isDay: false);

    public static LogTime FromDateOnly(DateOnly day) => new(day.ToDateTime(TimeOnly.MinValue), isDay: true);

    public override string ToString() => _utc.ToString(_isDay ? "yyyy-MM-dd" : "yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture);
}
