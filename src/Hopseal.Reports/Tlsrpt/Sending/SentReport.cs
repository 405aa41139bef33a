using System.Collections.Immutable;

namespace Hopseal.Reports.Tlsrpt.Sending;

/// <summary>Where a report of ours stands. The numbers are those of the database.</summary>
public enum SentState
{
    /// <summary>No target has it yet.</summary>
    Waiting = 0,

    /// <summary>One target at least has it (RFC 8460 §3).</summary>
    Sent = 1,

    /// <summary>It was given up.</summary>
    Failed = 2,

    /// <summary>A dry run: it was made to be looked at, and is never sent.</summary>
    Kept = 3,
}

/// <summary>Where a report stands with one target. The numbers are those of the database.</summary>
public enum TargetState
{
    Waiting = 0,

    /// <summary>It is mail, in our own queue.</summary>
    Queued = 1,
    Sent = 2,
    Failed = 3,
}

/// <summary>A report that this gateway made.</summary>
/// <param name="Id">Of the row; grows with time.</param>
/// <param name="ReportId">As the report says it (<c>report-id</c>).</param>
/// <param name="Day">UTC.</param>
/// <param name="Domain">The policy domain, in A-labels.</param>
/// <param name="GivesUpAt">A day after it was made (RFC 8460 §5.5).</param>
/// <param name="Successful">Sessions, over all policies.</param>
/// <param name="Failed">The same.</param>
/// <param name="Why">It failed, for people; null while it did not.</param>
public sealed record SentReport(
    long Id,
    string ReportId,
    DateOnly Day,
    string Domain,
    DateTimeOffset MadeAt,
    DateTimeOffset GivesUpAt,
    long Successful,
    long Failed,
    SentState State,
    string? Why)
{
    /// <summary>Those of the record of the domain, in its order, when the report was made.</summary>
    public ImmutableArray<SentTarget> Targets { get; init; } = [];
}

/// <param name="Uri"><c>mailto</c> or <c>https</c>.</param>
/// <param name="Tries">How often it was tried; mail in the queue counts once.</param>
/// <param name="DueAt">The next try, while it waits.</param>
/// <param name="Message">The id in our queue, for mail.</param>
/// <param name="Why">The last failure, for people; it may quote the peer.</param>
public sealed record SentTarget(
    long Id, string Uri, TargetState State, int Tries, DateTimeOffset DueAt, DateTimeOffset? SettledAt, string? Message, string? Why);

/// <summary>Sessions of a day that are not reported yet.</summary>
public sealed record UnreportedSum(DateOnly Day, string Domain, long Successful, long Failed);
