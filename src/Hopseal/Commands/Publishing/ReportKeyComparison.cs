using System.Collections.Immutable;
using Hopseal.Configuration;
using Hopseal.Dns;

namespace Hopseal.Commands.Publishing;

/// <summary>The DKIM record of the key that signs our TLS reports (RFC 6376 §3.6.1) as it should be and as it is. Pure.</summary>
sealed class ReportKeyComparison(ReportDkim dkim, int ttl)
{
    const string Type = "TXT";

    public PublishingReport Compare(DnsAnswer<string> answer)
    {
        var report = PublishingReport.Of("").Wants(
            new RecordToPublish(dkim.Owner.Ascii, ttl, Type, ZoneTextData.Quoted(dkim.Record), "the key that signs our TLS reports"));
        if (answer is DnsAnswer<string>.Failed failed)
        {
            return report with { Unknown = [failed.Detail] };
        }

        ImmutableArray<string> published = answer is DnsAnswer<string>.Found found ? found.Records : [];
        return published switch
        {
            [] => report.Differs(DifferenceKind.Missing, dkim.Owner.Ascii, Type, "no DKIM key: nobody believes our TLS reports by mail"),
            [var only] => KeyOf(only) == KeyOf(dkim.Record) ? report : report.Differs(DifferenceKind.Wrong, dkim.Owner.Ascii, Type, "another key than the one that signs"),
            _ => report.Differs(DifferenceKind.Several, dkim.Owner.Ascii, Type, $"{published.Length} records: which of them counts is undefined"),
        };
    }

    /// <summary>The tag <c>p</c>, in which white space means nothing.</summary>
    static string? KeyOf(string record) => record.Split(';')
        .Select(tag => tag.Split('=', 2))
        .Where(tag => tag is [var name, _] && name.Trim() == "p")
        .Select(tag => string.Concat(tag[1].Where(character => !char.IsWhiteSpace(character))))
        .FirstOrDefault();
}
