using Hopseal.Audit.Findings;

namespace Hopseal.Monitor.Store;

/// <summary>One domain in a list.</summary>
/// <param name="Confidential">Unknown before the first look.</param>
/// <param name="Failing">Open findings that are failures.</param>
/// <param name="Warnings">Those that are warnings.</param>
/// <param name="ChangedAt">Since when it looks as it does now; null before the first look.</param>
/// <param name="Lost">It lost something against what is expected of it, and nobody has accepted that.</param>
public sealed record WatchedRow(
    string Name,
    WatchedAs As,
    Verdict Confidential,
    Verdict Authenticated,
    Verdict Watched,
    int Failing,
    int Warnings,
    LookState Looks,
    DateTimeOffset? ChangedAt,
    bool Lost)
{
    public Verdict Overall => AuditReport.Worst([Confidential, Authenticated, Watched]);
}

/// <summary>Which domains are meant: those that meet everything that is said here.</summary>
public sealed record WatchedFilter
{
    public WatchedAs? As { get; init; }

    /// <summary>The overall verdict.</summary>
    public Verdict? Worst { get; init; }

    /// <summary>A part of the name.</summary>
    public string? Search { get; init; }
}

/// <summary>How many domains have one overall verdict.</summary>
/// <param name="Silent">Of them, those whose last look found nothing out.</param>
/// <param name="OldestLook">Of them, when the one that was looked at longest ago was; null when one was not yet.</param>
public sealed record WatchedSum(WatchedAs As, Verdict Overall, int Domains, int Silent, DateTimeOffset? OldestLook);

/// <summary>A finding from when it was seen first to when it was gone.</summary>
/// <param name="Id">See <see cref="CheckIds"/>.</param>
/// <param name="ClosedAt">Null while it is open.</param>
public sealed record KeptFinding(
    string Id, string Subject, Question Question, Verdict Verdict, string Title, DateTimeOffset OpenedAt, DateTimeOffset SeenAt, DateTimeOffset? ClosedAt);
