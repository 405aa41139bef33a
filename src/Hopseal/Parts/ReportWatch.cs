using System.Collections.Immutable;
using Hopseal.Reports.Alerts;
using Hopseal.Reports.Tlsrpt.Receiving;

namespace Hopseal.Parts;

/// <summary>What the TLS reports that came in say, looked at now and then: they come once a day. Not for several threads at once.</summary>
/// <param name="comesIn">False where reports are only brought in by hand: nothing is usual then.</param>
sealed class ReportWatch(ReceivedReports received, bool comesIn)
{
    const int MostRowsOfDay = 5_000;

    static readonly TimeSpan s_interval = TimeSpan.FromMinutes(15);

    ImmutableArray<ReportedDay> _days = [];
    DateTimeOffset? _readAt;

    public ImmutableArray<Trouble> Failures(DateTimeOffset now) => ReportRules.Failures(Days(now), DayOf(now));

    public ImmutableArray<Trouble> NewResults(DateTimeOffset now) => ReportRules.NewResults(Days(now), DayOf(now));

    public ImmutableArray<Trouble> Silent(DateTimeOffset now) => comesIn ? ReportRules.Silent(Days(now), DayOf(now)) : [];

    ImmutableArray<ReportedDay> Days(DateTimeOffset now)
    {
        if (_readAt is not { } at || now - at >= s_interval || now < at)
        {
            var today = DayOf(now);
            _days = [.. Enumerable.Range(0, ReportRules.Memory + 1).Select(ago => today.AddDays(-ago)).SelectMany(day => received.Days(day, day, limit: MostRowsOfDay))];
            _readAt = now;
        }

        return _days;
    }

    static DateOnly DayOf(DateTimeOffset now) => DateOnly.FromDateTime(now.UtcDateTime);
}
