using System.Diagnostics.Metrics;
using System.Text.RegularExpressions;
using Hopseal.Dns;
using Hopseal.Policy;
using Hopseal.Policy.Dane;
using Hopseal.Policy.MtaSts;
using Hopseal.Relay;
using Hopseal.Relay.Queue;
using Hopseal.Reports.Metrics;
using Hopseal.Reports.Sessions;
using Hopseal.Smtp.Server;
using Hopseal.Smtp.Tls;

namespace Hopseal.Reports.Tests.Metrics;

public sealed partial class GatewayMetricsTests : IDisposable
{
    readonly GatewayMetrics _metrics = new(new Dictionary<string, TransportLevel> { ["mx"] = TransportLevel.Plaintext, ["submission"] = TransportLevel.Encrypted });
    readonly Measured _measured;

    public GatewayMetricsTests() => _measured = new Measured(_metrics);

    public void Dispose()
    {
        _measured.Dispose();
        _metrics.Dispose();
    }

    [Fact]
    public void A_session_is_counted_by_what_was_wanted_and_what_was_reached()
    {
        _metrics.TryRecord(Records.Inbound(Records.Tls(), accepted: 3));
        _metrics.TryRecord(Records.Outbound(Records.Tls(PeerIdentity.Pkix)));
        _metrics.TryRecord(Records.Outbound(
            new TlsOutcome.Refused([Records.NotOffered]), plan: Records.Plan("mx1.example.net", new TransportPolicy.Operator(SecurityFloor.Encrypted, "Outbound.Rules[0]")), delivered: 0));
        _metrics.TryRecord(Records.Outbound(null, delivered: 0));

        Assert.Equal(
            [
                "direction=in listener=mx reached=encrypted result=none version=TLSv1.3 wanted=plaintext: 1",
                "direction=out listener=none reached=authenticated result=none version=TLSv1.3 wanted=plaintext: 1",
                "direction=out listener=none reached=refused result=starttls-not-supported version=none wanted=encrypted: 1",
                "direction=out listener=none reached=undecided result=none version=none wanted=plaintext: 1",
            ],
            _measured.Of("hopseal.sessions"));
        Assert.Equal(["listener=mx reached=encrypted version=TLSv1.3: 3"], _measured.Of("hopseal.messages.received"));
        Assert.Equal(["direction=in version=TLSv1.3: 0.005", "direction=out version=TLSv1.3: 0.005"], _measured.Of("hopseal.handshake.duration"));
    }

    [Fact]
    public void Recipients_are_counted_by_what_became_of_them()
    {
        _metrics.TryRecord(Records.Attempt(Records.Tls(), Records.Delivered));
        _metrics.TryRecord(Records.Attempt(new TlsOutcome.Refused([Records.NotOffered]), Records.MissedFloor));
        var kept = Records.Attempt(null, Records.Delivered);
        _metrics.TryRecord(kept with { Plan = new DeliveryPlan.Keep("/var/mail"), Sessions = [] });

        Assert.Equal(
            [
                "outcome=deferred reached=refused result=starttls-not-supported version=none wanted=plaintext: 1",
                "outcome=delivered reached=encrypted result=none version=TLSv1.3 wanted=plaintext: 1",
                "outcome=kept reached=none result=none version=none wanted=none: 1",
            ],
            _measured.Of("hopseal.deliveries"));
    }

    [Fact]
    public void Failed_logins_are_counted_by_listener()
    {
        _metrics.Begin();
        _metrics.TryRecord(Failing("submission"));

        Assert.Equal(["listener=mx: 0", "listener=submission: 4"], _measured.Of("hopseal.authentication.failures"));
    }

    [Fact]
    public void Fetches_are_counted_by_their_end()
    {
        _metrics.Begin();
        _metrics.Count(new StsNews.Failed(DomainName.Parse("example.org"), Records.NotOffered, null));

        Assert.Equal(["outcome=failed: 1", "outcome=fetched: 0"], _measured.Of("hopseal.sts.fetches"));
    }

    [Fact]
    public void What_is_not_known_has_no_value()
    {
        _measured.Look();
        Assert.Equal(0, _measured.Series);

        _metrics.Set(Readings with { Queue = null, OldestAge = null, Resolver = null });
        _measured.Look();
        Assert.Empty(_measured.Of("hopseal.queue.messages"));
        Assert.Empty(_measured.Of("hopseal.queue.oldest.age"));
        Assert.Empty(_measured.Of("hopseal.resolver.state"));
        Assert.Equal([": 3"], _measured.Of("hopseal.sts.policies"));
    }

    [Fact]
    public void The_latest_look_is_shown()
    {
        _metrics.Set(Readings);
        _measured.Look();

        Assert.Equal([": 7"], _measured.Of("hopseal.queue.messages"));
        Assert.Equal([": 8"], _measured.Of("hopseal.queue.entries"));
        Assert.Equal([": 2"], _measured.Of("hopseal.queue.held"));
        Assert.Equal([": 90"], _measured.Of("hopseal.queue.oldest.age"));
        Assert.Equal(["file=/etc/a.pem: -60"], _measured.Of("hopseal.certificate.remaining"));
        Assert.Equal(["at=database: 5", "at=fanout: 4"], _measured.Of("hopseal.records.dropped"));
        Assert.Equal([": 6"], _measured.Of("hopseal.stripping.suspects"));
        Assert.Equal(["as=own verdict=ok: 2", "as=partner verdict=fail: 1"], _measured.Of("hopseal.monitor.domains"));
        Assert.Equal([": 1"], _measured.Of("hopseal.monitor.inconclusive"));
        Assert.Equal([": 3600"], _measured.Of("hopseal.monitor.oldest.look"));
        Assert.Equal(["state=does-not-validate: 1"], _measured.Of("hopseal.resolver.state").Where(series => series.EndsWith(": 1", StringComparison.Ordinal)));
        Assert.Equal(["host=mx1.example.org state=matches-none: 1"], _measured.Of("hopseal.tlsa.standing").Where(series => series.EndsWith(": 1", StringComparison.Ordinal)));
    }

    /// <summary>Whoever can make series can fill the memory of whoever keeps them.</summary>
    [Fact]
    public void Ten_thousand_peers_make_no_more_series_than_one()
    {
        Everything("192.0.2.1", "one.example");
        var one = _measured.Series;
        Assert.True(one > 20);

        for (var i = 0; i < 10_000; i++)
        {
            Everything($"198.{i / 60_000}.{i / 250}.{i % 250}", $"host{i}.example");
        }

        Assert.Equal(one, _measured.Series);
    }

    [Fact]
    public void A_listener_that_nobody_configured_is_one_series()
    {
        for (var i = 0; i < 100; i++)
        {
            _metrics.TryRecord(Failing($"listener-{i}"));
        }

        Assert.Equal(["listener=other: 400"], _measured.Of("hopseal.authentication.failures"));
    }

    [Fact]
    public void The_document_names_every_instrument_with_its_kind_unit_and_labels()
    {
        _metrics.Begin();
        Everything("192.0.2.1", "one.example");
        _metrics.Set(Readings);
        _measured.Look();

        var code = _measured.Instruments.Select(instrument =>
            $"{instrument.Name} {Kind(instrument)} {instrument.Unit} [{string.Join(' ', _measured.LabelsOf(instrument.Name))}] {instrument.Description}");
        var document = Row().Matches(File.ReadAllText(Path.Combine(Root(), "docs", "metrics.md"))).Select(row =>
            $"{row.Groups["name"]} {row.Groups["kind"]} {row.Groups["unit"]} [{row.Groups["labels"].Value.Replace("`", "", StringComparison.Ordinal).Trim()}] {row.Groups["what"]}");
        Assert.Equal(code.Order(StringComparer.Ordinal), document.Order(StringComparer.Ordinal));
    }

    static GatewayReadings Readings { get; } = new(
        new QueueDepth(7, 8, 2, Records.Noon), TimeSpan.FromSeconds(90), 3, ResolverState.DoesNotValidate, [("/etc/a.pem", TimeSpan.FromMinutes(-1))],
        [("mx1.example.org", TlsaStanding.MatchesNone)], 4, 5, 6)
    {
        Monitor = new MonitorReadings([("own", "ok", 2), ("partner", "fail", 1)], 1, TimeSpan.FromHours(1)),
    };

    void Everything(string peer, string name)
    {
        _metrics.TryRecord(Records.Inbound(Records.Tls(), peer, hello: name));
        _metrics.TryRecord(Records.Inbound(new TlsOutcome.Plaintext(Records.NotOffered), peer, hello: name, end: SessionEnd.TimedOut));
        _metrics.TryRecord(Records.Outbound(Records.Tls(), domain: name, plan: Records.Plan(name)));
        _metrics.TryRecord(Records.Outbound(new TlsOutcome.Refused([Records.NotOffered with { ReasonCode = name, Detail = peer }]), domain: name, plan: Records.Plan(name)));
        _metrics.TryRecord(Records.Attempt(Records.Tls(), Records.Delivered, domain: name, plan: Records.Plan(name)));
        _metrics.TryRecord(Records.Attempt(Records.Tls(), Records.MissedFloor, domain: name, plan: Records.Plan(name)));
        _metrics.TryRecord(Failing("mx"));
        _metrics.Count(new StsNews.Failed(DomainName.Parse(name), Records.NotOffered, null));
        _metrics.Set(Readings);
        _measured.Look();
    }

    static SessionRecord.Inbound Failing(string listener)
    {
        var record = Records.Inbound(Records.Tls(), accepted: 0);
        return record with { Summary = record.Summary with { Listener = listener, AuthenticationFailures = 4 } };
    }

    static string Kind(Instrument instrument) => instrument.GetType().Name.Split('`')[0] switch
    {
        "Counter" or "ObservableCounter" => "counter",
        "Histogram" => "histogram",
        "ObservableGauge" => "gauge",
        var other => other,
    };

    static string Root()
    {
        var directory = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(directory.FullName, "Hopseal.slnx")))
        {
            directory = directory.Parent ?? throw new InvalidOperationException("the tests do not run inside the repository");
        }

        return directory.FullName;
    }

    [GeneratedRegex(@"^\| `(?<name>hopseal\.[a-z.]+)` \| `[a-z_]+` \| (?<kind>\w+) \| `(?<unit>[^`]+)` \| (?<labels>[^|]*)\| (?<what>.+) \|$", RegexOptions.Multiline)]
    private static partial Regex Row();
}
