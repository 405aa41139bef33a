using System.Collections.Immutable;
using Hopseal.Dns;
using Hopseal.Policy.Dane;
using Hopseal.Smtp.Tls;

namespace Hopseal.Commands.Publishing;

/// <summary>The keys that a host of ours has, or will have.</summary>
/// <param name="Shown">Null: it has no certificate.</param>
/// <param name="Waiting">A renewed certificate on a key that is not announced yet.</param>
/// <param name="Next">Of the certificate after that.</param>
sealed record HostKeys(DomainName Host, ServerCertificate? Shown, ServerCertificate? Waiting, OwnKey? Next);

/// <summary>The TLSA records of a host as they should be and as they are. Pure.</summary>
sealed class TlsaComparison(TlsaAcceptance acceptance, int ttl)
{
    const string Type = "TLSA";

    public PublishingReport Compare(HostKeys keys, DnsAnswer<TlsaRecord> answer)
    {
        var owner = PublishedTlsa.OwnerOf(keys.Host).Ascii;
        var report = Wanted(keys, owner);
        switch (answer)
        {
            case DnsAnswer<TlsaRecord>.Found found:
                report = found.Status is DnssecStatus.Secure ? report : report.Differs(
                    DifferenceKind.Unsigned, owner, Type, "published without DNSSEC, or this resolver does not validate: senders ignore it");
                return found.Records.Distinct().Aggregate(Missing(report, keys, owner, found.Records), (so, record) => Judge(so, keys, owner, record));
            case DnsAnswer<TlsaRecord>.NoData { Status: var status }:
                return Missing(Unsigned(report, owner, status), keys, owner, []);
            case DnsAnswer<TlsaRecord>.NameError { Status: var status }:
                return Missing(Unsigned(report, owner, status), keys, owner, []);
            case DnsAnswer<TlsaRecord>.Failed failed:
                return report with { Unknown = [.. report.Unknown, failed.Detail] };
            default:
                throw new ArgumentException($"unknown answer {answer}", nameof(answer));
        }
    }

    PublishingReport Wanted(HostKeys keys, string owner)
    {
        var report = PublishingReport.Of("");
        foreach (var (key, purpose, _) in Keys(keys))
        {
            var record = key.Record.ToString();
            report = report.Records.Any(known => known.Data == record) ? report : report.Wants(new RecordToPublish(owner, ttl, Type, record, purpose));
        }

        return report;
    }

    static IEnumerable<(OwnKey Key, string Purpose, ServerCertificate? Certificate)> Keys(HostKeys keys)
    {
        if (keys.Shown is { } shown)
        {
            yield return (OwnKey.Of(shown.Sent[0]), $"the key in use for {keys.Host}", shown);
        }

        if (keys.Waiting is { } waiting)
        {
            yield return (OwnKey.Of(waiting.Sent[0]), "the key of the renewed certificate that waits", waiting);
        }

        if (keys.Next is { } next)
        {
            yield return (next, "the next key", null);
        }
    }

    static PublishingReport Unsigned(PublishingReport report, string owner, DnssecStatus status) =>
        status is DnssecStatus.Secure ? report : report.Differs(
            DifferenceKind.Unsigned, owner, Type, "the zone is not signed with DNSSEC, or this resolver does not validate: TLSA records would be worth nothing");

    PublishingReport Missing(PublishingReport report, HostKeys keys, string owner, ImmutableArray<TlsaRecord> published)
    {
        foreach (var (key, purpose, certificate) in Keys(keys))
        {
            if (!published.Any(record => Matches(keys.Host, record, key, certificate)))
            {
                report = report.Differs(DifferenceKind.Missing, owner, Type, $"no record for {purpose}");
            }
        }

        return report;
    }

    PublishingReport Judge(PublishingReport report, HostKeys keys, string owner, TlsaRecord record)
    {
        if (TlsaAcceptance.FaultOf(record) is { } fault)
        {
            return report.Differs(DifferenceKind.Unusable, owner, Type, $"{record}: senders ignore it: {fault}");
        }

        return Keys(keys).Any(own => Matches(keys.Host, record, own.Key, own.Certificate))
            ? report
            : report.Differs(DifferenceKind.Stale, owner, Type, $"{record}: matches neither the key in use nor the next one");
    }

    bool Matches(DomainName host, TlsaRecord record, OwnKey key, ServerCertificate? certificate) =>
        TlsaAcceptance.FaultOf(record) is null
        && (key.Satisfies(record) || (certificate is not null && acceptance.Accepts(host, [record], certificate)));
}
