namespace Hopseal.Reports.Tlsrpt.Receiving;

/// <summary>How much is kept of what anybody may send. A reporter sends one report a day for a domain, the largest some dozens.</summary>
public sealed record IntakeLimits
{
    /// <summary>Days (UTC) that a report is kept after the last day it is about.</summary>
    public int Days { get; init; } = 400;

    /// <summary>Reports on one domain in one day (UTC) from one signer.</summary>
    public int ReportsOfSigner { get; init; } = 200;

    /// <summary>Verified reports on one domain in one day (UTC), from all signers; half of them for those who reported on an earlier day.</summary>
    public int Reports { get; init; } = 2000;

    /// <summary>Reports on one domain in one day (UTC) for which nobody stands. Counted apart, so that they displace no others.</summary>
    public int Unverified { get; init; } = 200;

    /// <summary>Policies and failure details on one domain in one day (UTC), of one signer, and of all reports without one. At least what one report may
    /// have.</summary>
    public int DetailsOfSigner { get; init; } = 25_000;

    /// <summary>Policies and failure details on one domain in one day (UTC), of all signers.</summary>
    public int Details { get; init; } = 200_000;

    /// <summary>Things put aside, of each <see cref="ReportOrigin"/>; the oldest make room.</summary>
    public int Aside { get; init; } = 500;

    /// <summary>Of one thing put aside. Of what is larger, only the reason is kept.</summary>
    public int AsideOctetsEach { get; init; } = 1024 * 1024;

    /// <summary>Of all of them together, of each <see cref="ReportOrigin"/>; the oldest make room.</summary>
    public long AsideOctets { get; init; } = 64 * 1024 * 1024;

    /// <summary>Days a report may span; known are up to 8.</summary>
    public int LongestPeriod { get; init; } = 31;
}
