namespace Hopseal.Monitor;

/// <summary>How often domains are looked at, and how many at a time.</summary>
public sealed record MonitorOptions
{
    /// <summary>Between two looks at a domain; each time a random part of it, from 75 to 100 %.</summary>
    public TimeSpan Interval { get; init; } = TimeSpan.FromHours(6);

    /// <summary>After a look that found something else than before: when the next one is to say the same.</summary>
    public TimeSpan Confirm { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>Looks at a time.</summary>
    public int Parallel { get; init; } = 8;

    /// <summary>A look that takes longer gives its place to another, and goes on beside it: a tarpit holds nobody up.</summary>
    public TimeSpan Brisk { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Of those, so many at most.</summary>
    public int MostSlow { get; init; } = 64;

    /// <summary>The longest that a look takes; after that it found nothing out.</summary>
    public TimeSpan Longest { get; init; } = TimeSpan.FromMinutes(20);

    /// <summary>Between the first looks at two new domains, and after a start at two that are overdue.</summary>
    public TimeSpan Spread { get; init; } = TimeSpan.FromSeconds(2);
}
