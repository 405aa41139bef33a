using System.Collections.Immutable;

namespace Hopseal.Reports.Tlsrpt;

/// <summary>What became of reading a report. There is no half: it is taken with everything it says, or not at all.</summary>
public abstract record ReadReport
{
    ReadReport()
    {
    }

    /// <param name="Warnings">Where it differs from RFC 8460, in the order met; bounded.</param>
    public sealed record Accepted(TlsReport Report, ImmutableArray<ReportWarning> Warnings) : ReadReport;

    /// <param name="Why">For people, in one line.</param>
    public sealed record Rejected(string Why) : ReadReport;
}

/// <summary>Something that is not as it should be, and was made sense of.</summary>
/// <param name="Where">A member, for example <c>policies[0].policy.mx-host</c>; or the mail, or the file.</param>
/// <param name="What">What it is, and what it was taken for.</param>
public readonly record struct ReportWarning(string Where, string What)
{
    public override string ToString() => $"{Where}: {What}";
}
