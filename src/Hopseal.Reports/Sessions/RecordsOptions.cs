namespace Hopseal.Reports.Sessions;

/// <summary>How much is kept of sessions and attempts.</summary>
public sealed record RecordsOptions
{
    /// <summary>Of single sessions and attempts; 0: none are recorded. Sums are kept 13 months.</summary>
    public int Days { get; init; } = 30;

    /// <summary>Single sessions, and as many attempts; the oldest go first.</summary>
    public long MostSessions { get; init; } = 5_000_000;
}
