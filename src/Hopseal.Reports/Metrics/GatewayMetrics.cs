using System.Collections.Frozen;
using System.Collections.Immutable;
using System.Diagnostics;
using System.Diagnostics.Metrics;
using Hopseal.Policy.MtaSts;
using Hopseal.Relay;
using Hopseal.Reports.Sessions;
using Hopseal.Smtp.Tls;

namespace Hopseal.Reports.Metrics;

/// <summary>Step 12: tell. The gateway in numbers. Counts what <see cref="SessionFanout"/> hands it, and shows the latest
/// <see cref="GatewayReadings"/>.</summary>
/// <remarks>Names, units and labels are documented in <c>docs/metrics.md</c>, and others rely on them. No label is chosen by a peer: each takes its
/// values from a closed set or from the configuration, so that nobody outside can make more series.</remarks>
public sealed class GatewayMetrics : ISessionSink, IDisposable
{
    public const string MeterName = "Hopseal";

    const string None = "none";
    const string Other = "other";

    // Handshakes on a local network take milliseconds, with a tired peer far away seconds.
    static readonly ImmutableArray<double> s_handshakeBounds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

    readonly Meter _meter = new(MeterName);
    readonly FrozenDictionary<string, TransportLevel> _listeners;
    readonly Counter<long> _sessions;
    readonly Counter<long> _received;
    readonly Counter<long> _deliveries;
    readonly Counter<long> _authenticationFailures;
    readonly Counter<long> _stsFetches;
    readonly Histogram<double> _handshakes;
    readonly GatewayGauges _gauges;

    /// <param name="listeners">By name, what each asks of every client.</param>
    public GatewayMetrics(IReadOnlyDictionary<string, TransportLevel> listeners)
    {
        _listeners = listeners.ToFrozenDictionary(StringComparer.Ordinal);
        _sessions = _meter.CreateCounter<long>("hopseal.sessions", "{session}", "SMTP sessions that ended, by what was wanted of the connection and what it reached.");
        _received = _meter.CreateCounter<long>("hopseal.messages.received", "{message}", "Messages taken from clients, by what their connection reached.");
        _deliveries = _meter.CreateCounter<long>(
            "hopseal.deliveries", "{recipient}", "Recipients, each time an attempt to deliver settled or deferred one, by what was wanted and what was reached.");
        _authenticationFailures = _meter.CreateCounter<long>("hopseal.authentication.failures", "{failure}", "Logins of clients that failed.");
        _stsFetches = _meter.CreateCounter<long>("hopseal.sts.fetches", "{fetch}", "MTA-STS policies of other domains that were asked for.");
        _handshakes = _meter.CreateHistogram(
            "hopseal.handshake.duration", "s", "Time from the first octet of a TLS handshake to its end, of those that succeeded.", tags: null,
            new InstrumentAdvice<double> { HistogramBucketBoundaries = s_handshakeBounds });
        _gauges = new GatewayGauges(_meter);
    }

    /// <summary>The one that measures; for listeners that want no other gateway's.</summary>
    internal Meter Meter => _meter;

    /// <summary>To be called once somebody listens: what has not happened yet is 0 and not missing, so that the first time is seen as a rise.</summary>
    public void Begin()
    {
        foreach (var listener in _listeners.Keys)
        {
            _authenticationFailures.Add(0, new KeyValuePair<string, object?>("listener", listener));
        }

        _stsFetches.Add(0, new KeyValuePair<string, object?>("outcome", "fetched"));
        _stsFetches.Add(0, new KeyValuePair<string, object?>("outcome", "failed"));
    }

    public void Set(GatewayReadings readings) => _gauges.Set(readings);

    /// <summary>Of <see cref="StsOptions.Tell"/>.</summary>
    public void Count(StsNews news) => _stsFetches.Add(1, new KeyValuePair<string, object?>("outcome", news is StsNews.Fetched ? "fetched" : "failed"));

    public bool TryRecord(SessionRecord record)
    {
        ArgumentNullException.ThrowIfNull(record);
        var direction = record is SessionRecord.Inbound ? "in" : "out";
        var tls = Transport.Of(record.Tls);
        if (record.Tls is TlsOutcome.Encrypted encrypted)
        {
            _handshakes.Record(encrypted.Handshake.TotalSeconds, new TagList { { "direction", direction }, { "version", Version(tls) } });
        }

        switch (record)
        {
            case SessionRecord.Inbound inbound:
                Count(inbound, tls);
                break;
            case SessionRecord.Outbound outbound:
                CountSession(direction, None, Transport.Of(outbound.Plan.Floor), tls);
                break;
        }

        return true;
    }

    public bool TryRecord(DeliveryAttempt attempt)
    {
        ArgumentNullException.ThrowIfNull(attempt);
        var summary = AttemptSummary.Of(attempt);
        foreach (var use in attempt.Sessions.Where(use => use.Delivered > 0))
        {
            var tls = Transport.Of(use.Tls);
            CountRecipients(use.Delivered, "delivered", Transport.Of(use.Plan.Floor), tls.Level, Version(tls), tls.Type);
        }

        if (attempt.Plan is Policy.DeliveryPlan.Keep)
        {
            CountRecipients(summary.Delivered, "kept", null, null, None, null);
        }

        var last = attempt.Sessions.LastOrDefault() is { } tried ? Version(Transport.Of(tried.Tls)) : None;
        CountRecipients(summary.Deferred, "deferred", summary.Wanted, summary.Reached, last, summary.FailureType);
        CountRecipients(summary.Bounced, "bounced", summary.Wanted, summary.Reached, last, summary.FailureType);
        return true;
    }

    public void Dispose() => _meter.Dispose();

    void Count(SessionRecord.Inbound inbound, Transport tls)
    {
        var known = _listeners.TryGetValue(inbound.Summary.Listener, out var wanted);
        var listener = known ? inbound.Summary.Listener : Other;
        CountSession("in", listener, wanted, tls);
        if (inbound.Summary.Accepted > 0)
        {
            _received.Add(inbound.Summary.Accepted, new TagList { { "listener", listener }, { "reached", Transport.Word(tls.Level) }, { "version", Version(tls) } });
        }

        if (inbound.Summary.AuthenticationFailures > 0)
        {
            _authenticationFailures.Add(inbound.Summary.AuthenticationFailures, new KeyValuePair<string, object?>("listener", listener));
        }
    }

    void CountSession(string direction, string listener, TransportLevel wanted, Transport tls) => _sessions.Add(1, new TagList
    {
        { "direction", direction },
        { "listener", listener },
        { "wanted", Transport.Word(wanted) },
        { "reached", Transport.Word(tls.Level) },
        { "version", Version(tls) },
        { "result", tls.Type ?? None },
    });

    void CountRecipients(int number, string outcome, TransportLevel? wanted, TransportLevel? reached, string version, string? result)
    {
        if (number > 0)
        {
            _deliveries.Add(number, new TagList
            {
                { "outcome", outcome },
                { "wanted", wanted is { } level ? Transport.Word(level) : None },
                { "reached", reached is { } got ? Transport.Word(got) : None },
                { "version", version },
                { "result", result ?? None },
            });
        }
    }

    /// <summary>The platform may speak versions that we do not know yet; they are one series.</summary>
    static string Version(Transport tls) => tls.Version switch
    {
        null => None,
        "TLSv1.2" or "TLSv1.3" => tls.Version,
        _ => Other,
    };
}
