using System.Diagnostics.Metrics;
using Hopseal.Dns;
using Hopseal.Policy.Dane;

namespace Hopseal.Reports.Metrics;

/// <summary>The latest <see cref="GatewayReadings"/> as instruments. What is not known has no value, rather than a false one.</summary>
sealed class GatewayGauges
{
    volatile GatewayReadings? _latest;

    public GatewayGauges(Meter meter)
    {
        meter.CreateObservableGauge(
            "hopseal.queue.messages", () => Number(latest => latest.Queue?.Messages), "{message}", "Messages in the queue.");
        meter.CreateObservableGauge(
            "hopseal.queue.entries", () => Number(latest => latest.Queue?.Entries), "{entry}", "Entries in the queue: one for each message and recipient domain.");
        meter.CreateObservableGauge(
            "hopseal.queue.held", () => Number(latest => latest.Queue?.Held), "{entry}", "Entries that an operator keeps back.");
        meter.CreateObservableGauge(
            "hopseal.queue.oldest.age", () => Seconds(latest => latest.OldestAge), "s", "Age of the message that has been in the queue longest; 0 when it is empty.");
        meter.CreateObservableGauge(
            "hopseal.sts.policies", () => Number(latest => latest.StsPolicies), "{policy}", "MTA-STS policies of other domains that are kept and count.");
        meter.CreateObservableGauge(
            "hopseal.resolver.state", ResolverStates, "{state}", "1 for what the DNS resolver does about DNSSEC, 0 for what it does not.");
        meter.CreateObservableGauge(
            "hopseal.certificate.remaining", Certificates, "s", "Time until the certificate in use expires; negative once it has.");
        meter.CreateObservableGauge(
            "hopseal.tlsa.standing", TlsaStandings, "{state}", "1 for how the certificate in use stands to the TLSA records published for the host, 0 for the others.");
        meter.CreateObservableCounter(
            "hopseal.records.dropped", Dropped, "{record}", "Records that were not kept or told: by slow readers (fanout), or by the database of records.");
        meter.CreateObservableGauge(
            "hopseal.stripping.suspects", () => Number(latest => latest.StrippingSuspects), "{host}", "Hosts that had TLS and do not start it now: suspected stripping.");
        meter.CreateObservableGauge(
            "hopseal.monitor.domains", Watched, "{domain}", "Domains that are watched from outside, by why (own, partner) and the worst of their verdicts.");
        meter.CreateObservableGauge(
            "hopseal.monitor.inconclusive", () => Number(latest => latest.Monitor?.Silent), "{domain}", "Of them, those whose last look found nothing out.");
        meter.CreateObservableGauge(
            "hopseal.monitor.oldest.look", () => Seconds(latest => latest.Monitor?.OldestLook), "s", "Time since the look at the domain that waits longest for the next.");
    }

    public void Set(GatewayReadings readings) => _latest = readings;

    /// <summary>The words of the label <c>state</c>.</summary>
    public static string Word(ResolverState state) => state switch
    {
        ResolverState.Validates => "validates",
        ResolverState.Unreachable => "unreachable",
        ResolverState.Unknown => "unknown",
        ResolverState.NotTrusted => "not-trusted",
        ResolverState.DoesNotValidate => "does-not-validate",
        ResolverState.AcceptsBogus => "accepts-bogus",
    };

    public static string Word(TlsaStanding standing) => standing switch
    {
        TlsaStanding.Unknown => "unknown",
        TlsaStanding.Absent => "absent",
        TlsaStanding.Unsigned => "unsigned",
        TlsaStanding.Unusable => "unusable",
        TlsaStanding.Matches => "matches",
        TlsaStanding.MatchesNone => "matches-none",
    };

    IEnumerable<Measurement<long>> Number(Func<GatewayReadings, long?> of) =>
        _latest is { } latest && of(latest) is { } value ? [new Measurement<long>(value)] : [];

    IEnumerable<Measurement<double>> Seconds(Func<GatewayReadings, TimeSpan?> of) =>
        _latest is { } latest && of(latest) is { } value ? [new Measurement<double>(value.TotalSeconds)] : [];

    IEnumerable<Measurement<long>> ResolverStates() =>
        from state in Enum.GetValues<ResolverState>()
        where _latest?.Resolver is not null
        select new Measurement<long>(_latest?.Resolver == state ? 1 : 0, new KeyValuePair<string, object?>("state", Word(state)));

    IEnumerable<Measurement<double>> Certificates() =>
        from certificate in _latest?.Certificates ?? []
        select new Measurement<double>(certificate.Remaining.TotalSeconds, new KeyValuePair<string, object?>("file", certificate.File));

    IEnumerable<Measurement<long>> TlsaStandings() =>
        from host in _latest?.Tlsa ?? []
        from state in Enum.GetValues<TlsaStanding>()
        select new Measurement<long>(
            host.Standing == state ? 1 : 0, new KeyValuePair<string, object?>("host", host.Host), new KeyValuePair<string, object?>("state", Word(state)));

    IEnumerable<Measurement<long>> Watched() =>
        from sum in _latest?.Monitor?.Domains ?? []
        select new Measurement<long>(sum.Domains, new KeyValuePair<string, object?>("as", sum.As), new KeyValuePair<string, object?>("verdict", sum.Verdict));

    IEnumerable<Measurement<long>> Dropped() => _latest is { } latest
        ?
        [
            new Measurement<long>(latest.FanoutDropped, new KeyValuePair<string, object?>("at", "fanout")),
            new Measurement<long>(latest.DatabaseDropped, new KeyValuePair<string, object?>("at", "database")),
        ]
        : [];
}
