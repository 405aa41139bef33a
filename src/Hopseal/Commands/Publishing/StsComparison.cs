using System.Collections.Immutable;
using System.Net;
using Hopseal.Dns;
using Hopseal.Policy.MtaSts;

namespace Hopseal.Commands.Publishing;

/// <summary>The MTA-STS record of a domain (RFC 8461 §3.1) as it should be and as it is. Pure.</summary>
/// <param name="policy">What this gateway serves for the domain; null: nothing.</param>
sealed class StsComparison(StsPolicy? policy, int ttl)
{
    const string Type = "TXT";

    public PublishingReport Compare(DomainName owner, DnsAnswer<string> answer)
    {
        var report = PublishingReport.Of("");
        if (policy is not null)
        {
            // RFC 8461 §8.1
            report = report.Wants(new RecordToPublish(
                owner.Ascii, ttl, Type, ZoneTextData.Quoted(new StsRecord(policy.Id).ToString()), "the MTA-STS policy; only once the gateway serves it"));
        }

        if (answer is DnsAnswer<string>.Failed failed)
        {
            return report with { Unknown = [failed.Detail] };
        }

        ImmutableArray<string> texts = answer is DnsAnswer<string>.Found found ? found.Records : [];
        var published = StsRecord.Choose(texts, out var why);
        return (policy, published) switch
        {
            (null, null) => report,
            (null, _) => report.Says($"{owner} announces an MTA-STS policy (id {published!.Id}) that this gateway does not serve"),
            (_, null) when texts.IsEmpty => report.Differs(DifferenceKind.Missing, owner.Ascii, Type, "no MTA-STS record"),
            (_, null) => report.Differs(DifferenceKind.Wrong, owner.Ascii, Type, $"no MTA-STS record that counts: {why}"),
            (_, { Id: var id }) when id != policy.Id =>
                report.Differs(DifferenceKind.Wrong, owner.Ascii, Type, $"id {id} announces another policy than the one served here, {policy.Id}"),
            _ => report,
        };
    }

    /// <summary>Whether anybody finds the host of the policy (RFC 8461 §3.3).</summary>
    public PublishingReport CompareHost(DomainName host, DnsAnswer<IPAddress> ipv4, DnsAnswer<IPAddress> ipv6)
    {
        var report = PublishingReport.Of("");
        if (policy is null || ipv4 is DnsAnswer<IPAddress>.Found || ipv6 is DnsAnswer<IPAddress>.Found)
        {
            return report;
        }

        var failed = (ipv4 as DnsAnswer<IPAddress>.Failed ?? ipv6 as DnsAnswer<IPAddress>.Failed)?.Detail;
        return failed is null
            ? report.Differs(DifferenceKind.Missing, host.Ascii, "A", "no address: nobody can fetch the MTA-STS policy")
            : report with { Unknown = [failed] };
    }
}
