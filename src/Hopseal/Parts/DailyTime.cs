namespace Hopseal.Parts;

/// <summary>A time of each day, by the clock on the wall.</summary>
static class DailyTime
{
    /// <summary>When it was that time last: today or yesterday. A time that the day leaves out, as clocks go forward, is taken as the time before the change.</summary>
    public static DateTimeOffset LastBefore(DateTimeOffset now, TimeOnly time, TimeZoneInfo zone)
    {
        var today = DateOnly.FromDateTime(TimeZoneInfo.ConvertTime(now, zone).DateTime);
        var at = On(today);
        return at <= now ? at : On(today.AddDays(-1));

        DateTimeOffset On(DateOnly day)
        {
            var local = day.ToDateTime(time);
            return new DateTimeOffset(local, zone.GetUtcOffset(local));
        }
    }
}
