namespace Hopseal.Monitor;

/// <summary>What a look came to.</summary>
/// <param name="Result">For people, and scripts by its name.</param>
/// <param name="Why">Where nothing was found out.</param>
/// <param name="NextAt">Of the next one.</param>
public sealed record LookReport(WatchedDomain Domain, LookResult Result, string? Why, DateTimeOffset NextAt);

public enum LookResult
{
    /// <summary>Nothing new.</summary>
    Unchanged,

    /// <summary>Something is different; another look has to confirm it.</summary>
    Pending,

    /// <summary>Something is different for sure, or it is the first look.</summary>
    Changed,

    /// <summary>Nothing could be found out.</summary>
    Inconclusive,
}
