using System.Collections.Immutable;
using Hopseal.Audit.Facts;
using Hopseal.Dns;
using Hopseal.Policy.MtaSts;
using Hopseal.Policy.TlsRpt;

namespace Hopseal.Audit.Probes;

/// <summary>What DNS and the policy host say of a domain; nobody's mail server is asked.</summary>
#pragma warning disable CA1001 // the semaphore has no handle as long as nobody asks for one
sealed class DomainProbe(IDnsResolver resolver, StsFetch fetch)
#pragma warning restore CA1001
{
    const int MostExchangers = 20;

    /// <summary>Many domains have their policy at the same provider.</summary>
    const int FetchesAtOnce = 32;

    readonly SemaphoreSlim _fetches = new(FetchesAtOnce);

    public async Task<DomainFacts> ProbeAsync(DomainName domain, CancellationToken cancel)
    {
        var mx = MxAsync(domain, cancel);
        var sts = StsAsync(domain, cancel);
        var reports = ReportsAsync(domain, cancel);
        await Task.WhenAll(mx, sts, reports);
        return new DomainFacts(domain.Ascii, await mx, await sts, await reports);
    }

    async Task<MxFacts> MxAsync(DomainName domain, CancellationToken cancel)
    {
        switch (await resolver.MxAsync(domain, cancel))
        {
            case DnsAnswer<MxRecord>.Found { Records: [{ IsNull: true }] } none:
                return new MxFacts(MxState.Null, none.Status is DnssecStatus.Secure, []);
            case DnsAnswer<MxRecord>.Found found:
                ImmutableArray<ExchangerFacts> exchangers =
                [
                    .. found.Records.OrderBy(record => record.Preference).ThenBy(record => record.Exchange?.Ascii, StringComparer.Ordinal)
                        .DistinctBy(record => (record.Exchange, record.Invalid)).Take(MostExchangers)
                        .Select(record => new ExchangerFacts(record.Preference, record.Exchange?.Ascii, record.Exchange is null ? ProbeTranscript.Clean(record.Invalid ?? ".") : null))
                ];
                var state = exchangers.Any(exchanger => exchanger.Name is not null) ? MxState.Found : MxState.Unroutable;
                return new MxFacts(state, found.Status is DnssecStatus.Secure, exchangers);
            case DnsAnswer<MxRecord>.NoData absent:
                return new MxFacts(MxState.Implicit, absent.Status is DnssecStatus.Secure, [new ExchangerFacts(0, domain.Ascii)]);
            case DnsAnswer<MxRecord>.NameError missing:
                return new MxFacts(MxState.NoSuchDomain, missing.Status is DnssecStatus.Secure, []);
            case DnsAnswer<MxRecord>.Failed failed:
                return new MxFacts(MxState.NotKnown, false, [], failed.Detail);
            default:
                throw new InvalidOperationException("unknown answer");
        }
    }

    async Task<StsFacts> StsAsync(DomainName domain, CancellationToken cancel)
    {
        if (StsRecord.NameFor(domain) is not { } name)
        {
            return new StsFacts(null, true, null, null, null);
        }

        switch (await resolver.TxtAsync(name, cancel))
        {
            case DnsAnswer<string>.Found found:
                if (StsRecord.Choose(found.Records, out var why) is not { } record)
                {
                    // What does not begin with the version is no record at all (RFC 8461 §3.1).
                    var malformed = found.Records.Any(text => text.StartsWith("v=STSv1", StringComparison.Ordinal));
                    return new StsFacts(null, true, malformed ? why : null, null, null);
                }

                var result = await FetchAsync(domain, record.Id, cancel);
                return result switch
                {
                    StsFetchResult.Fetched { Policy: var policy } => new StsFacts(
                        record.Id, true, null,
                        new StsPolicyFacts(policy.Mode.ToString().ToLowerInvariant(), (long)policy.MaxAge.TotalSeconds, policy.Mx), null)
                    {
                        HostCertificateUntil = result.CertificateUntil,
                    },
                    StsFetchResult.Failed { Failure: var failure } => new StsFacts(
                        record.Id, true, null, null, ProbeTranscript.Clean($"{failure.ReasonCode}: {failure.Detail}"))
                    {
                        HostCertificateUntil = result.CertificateUntil,
                    },
                    _ => throw new InvalidOperationException("unknown result"),
                };
            case DnsAnswer<string>.Failed failed:
                return new StsFacts(null, false, failed.Detail, null, null);
            default:
                return new StsFacts(null, true, null, null, null);
        }
    }

    async Task<StsFetchResult> FetchAsync(DomainName domain, string id, CancellationToken cancel)
    {
        await _fetches.WaitAsync(cancel);
        try
        {
            return await fetch.FetchAsync(domain, id, cancel);
        }
        finally
        {
            _fetches.Release();
        }
    }

    async Task<TlsRptFacts> ReportsAsync(DomainName domain, CancellationToken cancel) => await TlsRptFinding.AskAsync(resolver, domain, cancel) switch
    {
        TlsRptFinding.Found found => new TlsRptFacts(found.Record.ToString(), true, null, [.. found.Record.Ignored.Select(ProbeTranscript.Clean)]),
        TlsRptFinding.None none => new TlsRptFacts(null, true, ProbeTranscript.Clean(none.Why), []),
        TlsRptFinding.Failed failed => new TlsRptFacts(null, false, ProbeTranscript.Clean(failed.Why), []),
        _ => throw new InvalidOperationException("unknown finding"),
    };
}
