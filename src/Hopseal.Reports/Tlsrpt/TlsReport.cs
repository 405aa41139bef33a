using System.Collections.Immutable;
using System.Net;
using Hopseal.Smtp.Tls;

namespace Hopseal.Reports.Tlsrpt;

/// <summary>One aggregate report (RFC 8460 §4): what somebody who sends mail to a domain met when it started TLS.</summary>
/// <remarks>In one that was read, texts are bounded and hold no control characters, and what others leave out is null.</remarks>
public sealed record TlsReport
{
    /// <summary>Who reports (<c>organization-name</c>).</summary>
    public string? Organization { get; init; }

    /// <summary>A mail address of theirs (<c>contact-info</c>).</summary>
    public string? Contact { get; init; }

    /// <summary>Unique for its author (<c>report-id</c>).</summary>
    public string? Id { get; init; }

    public required ReportPeriod Period { get; init; }

    /// <summary>One for each policy that was applied; a domain may have several.</summary>
    public required ImmutableArray<PolicyResult> Policies { get; init; }
}

/// <summary>The time a report is about (<c>date-range</c>), in UTC: should be one day (RFC 8460 §4.1).</summary>
/// <param name="End">Not before <paramref name="Start"/>. The last second of the day; some write the midnight after it.</param>
public readonly record struct ReportPeriod(DateTimeOffset Start, DateTimeOffset End)
{
    /// <summary>A whole UTC day.</summary>
    public static ReportPeriod Day(DateOnly day)
    {
        var start = new DateTimeOffset(day.ToDateTime(TimeOnly.MinValue), TimeSpan.Zero);
        return new ReportPeriod(start, start.AddDays(1).AddSeconds(-1));
    }

    /// <summary>The midnight that ends a day belongs to that day.</summary>
    DateTimeOffset LastSecond => End > Start && End.TimeOfDay == TimeSpan.Zero ? End.AddSeconds(-1) : End;

    public DateOnly FirstDay => DateOnly.FromDateTime(Start.UtcDateTime);

    public DateOnly LastDay => DateOnly.FromDateTime(LastSecond.UtcDateTime);

    /// <summary>The UTC days it touches; at least 1.</summary>
    public int Days => LastDay.DayNumber - FirstDay.DayNumber + 1;
}

/// <summary>What was applied to the sessions (<c>policy-type</c>, RFC 8460 §4.4).</summary>
public enum PolicyKind
{
    /// <summary>DANE.</summary>
    Tlsa,

    /// <summary>MTA-STS.</summary>
    Sts,

    NoPolicyFound,
}

/// <summary>A name from a list that others may add to.</summary>
/// <param name="Known">Null when it is none that we know.</param>
/// <param name="Text">As it was written; the name of the standard for a known one.</param>
public readonly record struct ReportedName<T>(T? Known, string Text)
    where T : struct, Enum
{
    public override string ToString() => Text;
}

/// <summary>The sessions to which one policy was applied, added up.</summary>
public sealed record PolicyResult
{
    public required ReportedName<PolicyKind> Kind { get; init; }

    /// <summary>The policy domain (RFC 8460 §1.1), in A-labels: of the recipients for MTA-STS, the TLSA base domain for DANE.</summary>
    public string? Domain { get; init; }

    /// <summary>The policy as it was found (<c>policy-string</c>, RFC 8460 §4.5): the lines of an MTA-STS policy, or TLSA records.</summary>
    public ImmutableArray<string> PolicyText { get; init; } = [];

    /// <summary>The host patterns of an MTA-STS policy (<c>mx-host</c>).</summary>
    public ImmutableArray<string> MxHosts { get; init; } = [];

    /// <summary>Sessions with TLS as the policy wants it; at least 0.</summary>
    public required long Successful { get; init; }

    /// <summary>Sessions without; at least 0.</summary>
    public required long Failed { get; init; }

    /// <summary>Why they failed. One session may have failed in several ways and be counted in several of them (RFC 8460 §4).</summary>
    public ImmutableArray<FailureDetail> Failures { get; init; } = [];
}

/// <summary>Sessions that failed in the same way (<c>failure-details</c>).</summary>
public sealed record FailureDetail
{
    public required ReportedName<TlsResultType> Type { get; init; }

    /// <summary>At least 0.</summary>
    public required long Sessions { get; init; }

    /// <summary>Of the sender, who is the one that reports.</summary>
    public IPAddress? SendingIp { get; init; }

    public string? MxHostname { get; init; }

    /// <summary>What the MX calls itself in its greeting.</summary>
    public string? MxHelo { get; init; }

    public IPAddress? ReceivingIp { get; init; }

    /// <summary>A URI that says more.</summary>
    public string? MoreInformation { get; init; }

    /// <summary>An error code or a message (<c>failure-reason-code</c>).</summary>
    public string? Reason { get; init; }
}
