using System.Collections.Immutable;
using Hopseal.Dns;

namespace Hopseal.Commands.Publishing;

/// <summary>The TLSRPT record of a domain (RFC 8460 §3) as it should be and as it is. Pure.</summary>
sealed class TlsReportComparison(ImmutableArray<string> addresses, int ttl)
{
    const string Type = "TXT";
    const string Version = "v=TLSRPTv1";

    public static DomainName OwnerOf(DomainName domain) => DomainName.Parse($"_smtp._tls.{domain}");

    public PublishingReport Compare(DomainName domain, DnsAnswer<string> answer)
    {
        var owner = OwnerOf(domain).Ascii;
        var wanted = $"{Version}; rua={string.Join(',', addresses)}";
        var report = PublishingReport.Of("");
        report = addresses.IsEmpty ? report : report.Wants(new RecordToPublish(owner, ttl, Type, ZoneTextData.Quoted(wanted), "where senders report to"));
        if (answer is DnsAnswer<string>.Failed failed)
        {
            return report with { Unknown = [.. report.Unknown, failed.Detail] };
        }

        ImmutableArray<string> published = answer is DnsAnswer<string>.Found found ? [.. found.Records.Where(IsReportRecord)] : [];
        return published switch
        {
            [] when addresses.IsEmpty => report.Says($"{owner} has no TLSRPT record: nobody tells you of failures; --rua mailto:… prints one"),
            [] => report.Differs(DifferenceKind.Missing, owner, Type, "no TLSRPT record"),
            [var only] when addresses.IsEmpty || SameAddresses(only) => report,
            [var only] => report.Differs(DifferenceKind.Wrong, owner, Type, $"{ZoneTextData.Quoted(only)}: names other addresses"),
            _ => report.Differs(DifferenceKind.Several, owner, Type, $"{published.Length} TLSRPT records: senders then ignore all of them"),
        };
    }

    static bool IsReportRecord(string text) =>
        text.StartsWith(Version, StringComparison.Ordinal) && text[Version.Length..].TrimStart(' ', '\t').StartsWith(';');

    bool SameAddresses(string text) =>
        text.Split(';').Select(field => field.Trim().Split('=', 2)).FirstOrDefault(field => field[0].TrimEnd() == "rua") is [_, var value]
        && value.Split(',').Select(address => address.Trim()).ToHashSet(StringComparer.Ordinal).SetEquals(addresses);
}
