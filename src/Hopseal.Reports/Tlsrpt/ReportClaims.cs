using System.Text.RegularExpressions;
using Hopseal.Dns;

namespace Hopseal.Reports.Tlsrpt;

/// <summary>What something around a report says of it: a file name (RFC 8460 §5.1), a header field or the subject (RFC 8460 §5.3).</summary>
/// <param name="Source">For people.</param>
sealed partial record ReportClaim(string Source, DomainName? Domain, DomainName? Submitter)
{
    /// <summary><c>sender!domain!begin!end[!unique].json.gz</c></summary>
    public static ReportClaim OfFileName(string? name)
    {
        // Long names are folded in header fields, and come back with white space.
        var parts = name?.Length <= 1000 ? name.Split('!') : [];
        return parts.Length is 4 or 5
            ? new ReportClaim("the file name", NameOf(parts[1].Trim()), NameOf(parts[0].Trim()))
            : new ReportClaim("the file name", null, null);
    }

    /// <summary><c>Report Domain: D Submitter: S Report-ID: &lt;…&gt;</c></summary>
    public static ReportClaim OfSubject(string? subject)
    {
        var match = Subject().Match(subject?.Length <= 1000 ? subject : "");
        return new ReportClaim("the subject", NameOf(match.Groups["domain"].Value), NameOf(match.Groups["submitter"].Value));
    }

    public static DomainName? NameOf(string? text) => text is not null && DomainName.TryParse(text.Trim(), out var name) ? name : null;

    [GeneratedRegex(@"^\s*Report Domain:\s*(?<domain>\S+)\s+Submitter:\s*(?<submitter>\S+)", RegexOptions.IgnoreCase | RegexOptions.NonBacktracking)]
    private static partial Regex Subject();
}

/// <summary>Compares a report with what is said around it. The report counts (RFC 8460 §5.6); what it leaves out may be taken from
/// there.</summary>
static class ReportClaims
{
    /// <param name="notes">What was noticed outside the report; its warnings come first.</param>
    public static ReadReport Compare(ReadReport result, IReadOnlyList<ReportClaim> claims, ReportNotes notes)
    {
        if (result is not ReadReport.Accepted accepted)
        {
            return result;
        }

        var report = Complete(accepted.Report, claims, notes);
        var domains = accepted.Report.Policies.Select(policy => policy.Domain).OfType<string>().Distinct().ToArray();
        var submitter = SubmitterOf(accepted.Report);
        foreach (var claim in claims)
        {
            if (claim.Domain is { } domain && domains.Length > 0 && !domains.Contains(domain.Ascii))
            {
                notes.Warn(claim.Source, $"says that it is about {domain}, and the report that it is about {string.Join(", ", domains.Take(3))}");
            }

            if (claim.Submitter is { } other && submitter is not null && other != submitter)
            {
                notes.Warn(claim.Source, $"says that it is from {other}, and the contact in the report is at {submitter}");
            }
        }

        return new ReadReport.Accepted(report, [.. notes.Warnings, .. accepted.Warnings]);
    }

    static TlsReport Complete(TlsReport report, IReadOnlyList<ReportClaim> claims, ReportNotes notes)
    {
        if (report.Policies.All(policy => policy.Domain is not null) || claims.FirstOrDefault(claim => claim.Domain is not null) is not { } claim)
        {
            return report;
        }

        notes.Warn(claim.Source, $"gave the domain that the report leaves out: {claim.Domain}");
        return report with { Policies = [.. report.Policies.Select(policy => policy.Domain is null ? policy with { Domain = claim.Domain!.Ascii } : policy)] };
    }

    /// <summary>RFC 8460 §5.3: the submitter is the domain of the contact.</summary>
    public static DomainName? SubmitterOf(TlsReport report) =>
        report.Contact is { } contact && contact.LastIndexOf('@') is >= 0 and var at ? ReportClaim.NameOf(contact[(at + 1)..].TrimEnd('>')) : null;
}
