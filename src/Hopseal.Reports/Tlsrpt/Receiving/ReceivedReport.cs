using System.Collections.Immutable;

namespace Hopseal.Reports.Tlsrpt.Receiving;

/// <summary>How something came in.</summary>
public enum ReportOrigin
{
    Mail,
    Https,

    /// <summary>Read by <c>hopseal report import</c>.</summary>
    File,
}

/// <summary>Where something came from, and who stands for it.</summary>
/// <param name="From">The sender of the mail, the address of the client, or the file; null for the null sender. As it was, for people.</param>
public sealed record ReportSource(ReportOrigin Origin, string? From, ReportProof Proof, DateTimeOffset ReceivedAt);

/// <summary>A report that is kept. Only what it says of our own domains is left in it.</summary>
/// <param name="Id">Of this machine.</param>
/// <param name="Warnings">Where it differs from RFC 8460.</param>
public sealed record ReceivedReport(long Id, ReportSource Source, TlsReport Report, ImmutableArray<ReportWarning> Warnings);

/// <summary>What became of one report.</summary>
public abstract record TakenReport
{
    TakenReport()
    {
    }

    public sealed record Stored(long Id) : TakenReport;

    /// <summary>It was here before (<see cref="Id"/>).</summary>
    public sealed record KnownAlready(long Id) : TakenReport;

    /// <summary>Kept aside, for a person to look at.</summary>
    /// <param name="Why">In one line.</param>
    public sealed record PutAside(string Why) : TakenReport;

    /// <summary>Not kept at all: there were more than anybody sends.</summary>
    /// <param name="Why">In one line.</param>
    public sealed record Refused(string Why) : TakenReport;
}
