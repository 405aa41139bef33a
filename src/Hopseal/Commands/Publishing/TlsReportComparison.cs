using System.Collections.Immutable;
using Hopseal.Dns;
using Hopseal.Policy.TlsRpt;

namespace Hopseal.Commands.Publishing;

/// <summary>The TLSRPT record of a domain (RFC 8460 §3) as it should be and as it is. Pure.</summary>
/// <param name="isWhole">Nothing else is to stand there; else one of <paramref name="targets"/> is enough, and others may get reports too.</param>
sealed class TlsReportComparison(ImmutableArray<ReportTarget> targets, bool isWhole, int ttl)
{
    const string Type = "TXT";

    public static DomainName OwnerOf(DomainName domain) => DomainName.Parse($"_smtp._tls.{domain}");

    public PublishingReport Compare(DomainName domain, DnsAnswer<string> answer)
    {
        var owner = OwnerOf(domain).Ascii;
        var report = PublishingReport.Of("");
        report = targets.IsEmpty
            ? report
            : report.Wants(new RecordToPublish(owner, ttl, Type, ZoneTextData.Quoted(new TlsRptRecord(targets).ToString()), "where senders report to"));
        return TlsRptFinding.Of(answer) switch
        {
            TlsRptFinding.Failed failed => report with { Unknown = [.. report.Unknown, failed.Why] },
            TlsRptFinding.Found { Record: var record } => Compare(report, owner, record),
            TlsRptFinding.None none => Missing(report, owner, answer, none.Why),
            var unknown => throw new ArgumentException($"unknown finding {unknown}", nameof(answer)),
        };
    }

    PublishingReport Compare(PublishingReport report, string owner, TlsRptRecord record)
    {
        report = record.Ignored.Aggregate(report, (all, ignored) => all.Says($"{owner}: not used by senders: {ignored}"));
        return targets.IsEmpty || (isWhole ? record.Targets.ToHashSet().SetEquals(targets) : record.Targets.Any(targets.Contains))
            ? report
            : report.Differs(DifferenceKind.Wrong, owner, Type, $"{ZoneTextData.Quoted(record.ToString())}: names other addresses");
    }

    /// <summary>What senders make of what is there is the same as nothing.</summary>
    PublishingReport Missing(PublishingReport report, string owner, DnsAnswer<string> answer, string why)
    {
        const string Version = "v=TLSRPTv1";
        ImmutableArray<string> ours = answer is DnsAnswer<string>.Found found ? [.. found.Records.Where(text => text.StartsWith(Version, StringComparison.Ordinal))] : [];
        return ours.Length switch
        {
            0 when targets.IsEmpty => report.Says($"{owner} has no TLSRPT record: nobody tells you of failures; --rua mailto:… prints one"),
            0 => report.Differs(DifferenceKind.Missing, owner, Type, "no TLSRPT record"),
            1 => report.Differs(DifferenceKind.Unusable, owner, Type, $"senders ignore it: {why}"),
            var several => report.Differs(DifferenceKind.Several, owner, Type, $"{several} TLSRPT records: senders then ignore all of them"),
        };
    }
}
