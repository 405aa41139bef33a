using System.Collections.Immutable;
using System.Text.Json;

namespace Hopseal.Reports.Tlsrpt;

/// <summary>Reads reports (RFC 8460 §4.4) from anybody. What others are known to write differently is accepted with a
/// warning; what makes no sense is rejected whole. Never throws for what is in the text.</summary>
/// <remarks>Known deviations: <c>mx-host</c> as one text, or with <c>mx:</c> before it; no contact; no addresses; no policy domain where no
/// policy was found; no counts; other policy and result types; times without a zone, or in seconds; several TLSA records in one text; sums that are
/// not the sum; ranges of a week, or up to the next midnight.</remarks>
public static class TlsReportReader
{
    const string Policies = "policies";

    /// <param name="json">Unpacked. Not changed, and not kept.</param>
    public static ReadReport Read(ReadOnlyMemory<byte> json)
    {
        var notes = new ReportNotes();
        using var document = JsonText.Parse(json, what => notes.Warn("JSON", what), out var fault);
        if (document is null)
        {
            return new ReadReport.Rejected(fault!);
        }

        if (document.RootElement.ValueKind is not JsonValueKind.Object)
        {
            return new ReadReport.Rejected("it is JSON, but no object");
        }

        var report = Report(new JsonMembers(document.RootElement, "", notes), notes);
        return notes.Fault is { } why ? new ReadReport.Rejected(why) : new ReadReport.Accepted(report, notes.Warnings);
    }

    static TlsReport Report(JsonMembers members, ReportNotes notes)
    {
        var range = members.Object("date-range");
        var period = range is { } found ? PeriodReading.Read(found, notes) : default;
        var report = new TlsReport
        {
            Organization = members.Text("organization-name", Presence.Expected),
            Contact = members.Text("contact-info", Presence.Expected),
            Id = members.Text("report-id", Presence.Expected),
            Period = period,
            Policies = Results(members, notes),
        };
        if (report.Policies.Sum(policy => (long)policy.Failures.Length) > ReportLimits.MostFailures)
        {
            notes.Reject(Policies, $"more than {ReportLimits.MostFailures} failure details");
        }

        return report;
    }

    static ImmutableArray<PolicyResult> Results(JsonMembers members, ReportNotes notes)
    {
        if (members.Objects(Policies, ReportLimits.MostPolicies) is not { } policies)
        {
            notes.Reject(Policies, "is missing");
            return [];
        }

        if (policies.Count == 0)
        {
            notes.Warn(Policies, "is empty: it reports on nothing");
        }

        return [.. policies.Select(policy => PolicyReading.Read(policy, notes))];
    }
}
