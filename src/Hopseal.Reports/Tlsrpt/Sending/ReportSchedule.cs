using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace Hopseal.Reports.Tlsrpt.Sending;

/// <summary>When a report is made, tried again, and given up. Pure.</summary>
public static class ReportSchedule
{
    static readonly TimeSpan s_firstDelay = TimeSpan.FromMinutes(5);
    static readonly TimeSpan s_longestDelay = TimeSpan.FromHours(4);

    /// <summary>After midnight: most sessions that began before it have ended by then. Those that end later make a report of their own.</summary>
    public static TimeSpan Grace { get; } = TimeSpan.FromMinutes(15);

    /// <summary>RFC 8460 §5.5.</summary>
    public static TimeSpan Patience { get; } = TimeSpan.FromHours(24);

    /// <summary>When the report about a day is due: at another time for each domain, host and day, and always the same for one.</summary>
    /// <param name="day">UTC.</param>
    /// <param name="spread">At least 0.</param>
    public static DateTimeOffset DueAt(DateOnly day, string domain, string hostname, TimeSpan spread)
    {
        var seed = SHA256.HashData(Encoding.UTF8.GetBytes($"{hostname}\n{domain}\n{day.DayNumber}"));
        var part = BinaryPrimitives.ReadUInt32BigEndian(seed) / (double)uint.MaxValue;
        return EndOf(day) + Grace + (spread * part);
    }

    /// <summary>Midnight after it.</summary>
    public static DateTimeOffset EndOf(DateOnly day) => ReportPeriod.Day(day).End.AddSeconds(1);

    /// <summary>Doubles from 5 minutes to 4 hours.</summary>
    /// <param name="tries">That failed, at least 1.</param>
    public static TimeSpan DelayAfter(int tries)
    {
        var delay = s_firstDelay * Math.Pow(2, Math.Clamp(tries - 1, 0, 10));
        return delay < s_longestDelay ? delay : s_longestDelay;
    }
}
