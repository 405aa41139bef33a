using System.Collections.Immutable;
using System.Net;
using System.Security.Authentication;
using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;
using Hopseal.Dns;
using Hopseal.Policy;
using Hopseal.Relay.Tests.Attempt;
using Hopseal.Smtp.Tls;
using Microsoft.Extensions.Logging;

namespace Hopseal.Relay.Tests;

public sealed class StrippingWatchTests
{
    static readonly TransportPolicy.ProvenTls s_proven = new(Samples.Noon.AddDays(-1));

    readonly StrippingWatch _watch = new();
    DateTimeOffset _now = Samples.Noon;

    [Theory]
    [InlineData("starttls-not-offered")]
    [InlineData("starttls-masked")]
    [InlineData("starttls-refused")]
    public void A_host_that_loses_TLS_is_told_once_and_its_return_once(string reason)
    {
        var lost = Assert.IsType<StrippingNotice.HostLost>(Assert.Single(Lose("mx.one.test", reason: reason)));
        Assert.Equal(("mx.one.test", 25, s_proven, reason), (lost.Host, lost.Port, lost.Proven, lost.Why.ReasonCode));
        Assert.Empty(Lose("mx.one.test"));
        Assert.Empty(Lose("mx.one.test", address: "192.0.2.2"));
        Assert.Empty(Keep("mx.one.test"));
        var back = Assert.IsType<StrippingNotice.HostBack>(Assert.Single(Keep("mx.one.test", address: "192.0.2.2")));
        Assert.Equal(Samples.Noon.AddSeconds(1), back.Since);
        Assert.Empty(Keep("mx.one.test"));
        Assert.IsType<StrippingNotice.HostLost>(Assert.Single(Lose("mx.one.test")));
    }

    [Fact]
    public void What_was_suspected_before_a_restart_is_until_the_hosts_are_met_again()
    {
        string[] hosts = ["mx.one.test", "mx.two.test", "mx.three.test"];
        _watch.Restore(hosts.Select(host => (host, 25, Samples.Noon.AddHours(-2))), Samples.Noon.AddHours(-1));
        Assert.Equal(3, _watch.Suspects().Count);
        Assert.Empty(Lose("mx.one.test"));
        Assert.NotNull(_watch.PathSuspectedSince);
        Assert.IsType<StrippingNotice.HostBack>(Keep("mx.one.test")[0]);
        Assert.IsType<StrippingNotice.HostBack>(Keep("mx.two.test")[0]);
        Assert.Null(_watch.PathSuspectedSince);
        Assert.Equal("mx.three.test", Assert.Single(_watch.Suspects()).Key.Host);
    }

    [Fact]
    public void An_address_that_is_not_met_again_does_not_keep_a_host_suspected_for_ever()
    {
        Lose("mx.one.test", address: "192.0.2.2");
        Assert.Empty(Keep("mx.one.test"));
        _now = _now.AddDays(1);
        Assert.IsType<StrippingNotice.HostBack>(Assert.Single(Keep("mx.one.test")));
    }

    [Fact]
    public void Only_a_host_that_is_held_to_TLS_can_lose_it()
    {
        Assert.Empty(Observe("mx.one.test", Refused("starttls-not-offered")));
        Assert.Empty(Observe("mx.one.test", Refused("starttls-not-offered"), policies: new TransportPolicy.Operator(SecurityFloor.Encrypted, "rule")));
        Assert.Empty(Observe("mx.one.test", new TlsOutcome.Plaintext(new TlsFailure(TlsResultType.StarttlsNotSupported, "starttls-not-offered")), policies: new TransportPolicy.Excepted(
            s_proven, new TransportPolicy.Operator(SecurityFloor.Plaintext, "exception", new ExceptionTerms(default, "", "")))));

        // A handshake that fails is another trouble.
        Assert.Empty(Observe("mx.one.test", new TlsOutcome.Refused([new TlsFailure(TlsResultType.CertificateExpired, "expired")]), policies: s_proven));
        Assert.Empty(_watch.Suspects());
    }

    [Fact]
    public void A_host_that_is_let_go_is_told_when_it_gets_plaintext()
    {
        Lose("mx.one.test");
        var plain = new TlsOutcome.Plaintext(new TlsFailure(TlsResultType.StarttlsNotSupported, "starttls-not-offered"));
        Assert.IsType<StrippingNotice.HostLetGo>(Assert.Single(Observe("mx.one.test", plain)));
        Assert.Empty(Observe("mx.one.test", plain));
    }

    /// <summary>Anybody may write TLS-Required: No into his own message; it must not silence what is suspected.</summary>
    [Fact]
    public void Mail_that_may_go_without_TLS_lets_no_host_go()
    {
        Lose("mx.one.test");
        var plain = new TlsOutcome.Plaintext(new TlsFailure(TlsResultType.StarttlsNotSupported, "starttls-not-offered"));
        var exception = new TransportPolicy.Operator(SecurityFloor.Plaintext, "rule", new ExceptionTerms(new DateOnly(2027, 1, 1), "reason", "owner"));
        Assert.Empty(Observe("mx.one.test", plain, policies: new TransportPolicy.Waived(s_proven)));
        Assert.Empty(Observe("mx.one.test", plain, policies: [exception, new TransportPolicy.Excepted(s_proven, exception)]));
        Assert.Single(_watch.Suspects());
    }

    [Fact]
    public void A_session_that_began_before_says_nothing_of_what_came_later()
    {
        var kept = Session("mx.one.test", Encrypted(), "192.0.2.1", TlsStart.StartTls);
        _now = _now.AddMinutes(1);
        Lose("mx.one.test");
        Assert.Empty(_watch.Observe(kept));
        Assert.Single(_watch.Suspects());
    }

    [Fact]
    public void Three_parties_that_lose_TLS_together_mean_the_path()
    {
        Keep("mx.quiet.test");
        Assert.IsType<StrippingNotice.HostLost>(Assert.Single(Lose("mx.one.test")));
        Assert.IsType<StrippingNotice.HostLost>(Assert.Single(Lose("mx2.one.test")));
        Assert.IsType<StrippingNotice.HostLost>(Assert.Single(Lose("mx.two.test")));
        var notices = Lose("mx.three.test");
        var path = Assert.IsType<StrippingNotice.PathLost>(notices[^1]);
        Assert.Equal((2, 3, 0), (notices.Length, path.Lost, path.Kept));
        Assert.Equal(["mx.one.test:25", "mx2.one.test:25", "mx.two.test:25", "mx.three.test:25"], path.Hosts);
        Assert.IsType<StrippingNotice.HostLost>(Assert.Single(Lose("mx.four.test")));

        Assert.IsType<StrippingNotice.HostBack>(Assert.Single(Keep("mx.one.test")));
        Assert.IsType<StrippingNotice.HostBack>(Assert.Single(Keep("mx2.one.test")));
        Assert.IsType<StrippingNotice.HostBack>(Assert.Single(Keep("mx.two.test")));
        notices = Keep("mx.three.test");
        Assert.Equal((1, 3), notices.OfType<StrippingNotice.PathBack>().Select(back => (back.Lost, back.Kept)).Single());
    }

    [Fact]
    public void Hosts_that_gave_up_TLS_one_by_one_do_not_mean_the_path()
    {
        for (var i = 0; i < 20; i++)
        {
            Assert.DoesNotContain(Lose($"mx.party{i}.test"), notice => notice is StrippingNotice.PathLost);
            _now = _now.AddMinutes(40);
        }
    }

    [Fact]
    public void While_more_have_TLS_than_lost_it_few_do_not_mean_the_path_and_many_do()
    {
        var told = ImmutableArray<StrippingNotice>.Empty;
        for (var i = 0; i < 10; i++)
        {
            Assert.DoesNotContain(told, notice => notice is StrippingNotice.PathLost);
            told = Lose($"mx.lost{i}.test");
            Keep($"mx.a{i}.test");
            Keep($"mx.b{i}.test");
        }

        Assert.Contains(told, notice => notice is StrippingNotice.PathLost);
    }

    [Fact]
    public void TLS_from_the_first_byte_says_nothing_of_STARTTLS()
    {
        for (var i = 0; i < 9; i++)
        {
            Observe($"mx.implicit{i}.test", Encrypted(), start: TlsStart.Implicit);
        }

        Lose("mx.one.test");
        Lose("mx.two.test");
        Assert.IsType<StrippingNotice.PathLost>(Lose("mx.three.test")[^1]);
    }

    [Fact]
    public void A_host_that_is_forgotten_is_not_suspected_any_more()
    {
        Lose("mx.one.test");
        Lose("mx.two.test");
        Assert.Equal(Samples.Noon.AddSeconds(1), _watch.Suspects()[("mx.one.test", 25)]);
        _watch.Forget("mx.one.test", 25);
        _watch.Forget("mx.unknown.test", 25);
        Assert.Equal([("mx.two.test", 25)], _watch.Suspects().Keys);
        Assert.DoesNotContain(Lose("mx.three.test"), notice => notice is StrippingNotice.PathLost);
    }

    [Property]
    public Property It_tells_each_change_once_and_stays_bounded() => Prop.ForAll(
        Arb.From(Gen.ListOf(from host in Gen.Choose(0, 30) from loses in Gen.Elements(true, false) select (host, loses))),
        steps =>
        {
            var watch = new StrippingWatch(capacity: 8);
            var now = Samples.Noon;
            var lost = new HashSet<string>();
            var path = false;
            foreach (var (host, loses) in steps)
            {
                now = now.AddSeconds(1);
                var session = Session($"mx.p{host}.test", loses ? Refused("starttls-not-offered") : Encrypted(), "192.0.2.1", TlsStart.StartTls, s_proven) with { StartedAt = now };
                foreach (var notice in watch.Observe(session))
                {
                    switch (notice)
                    {
                        case StrippingNotice.HostLost one:
                            lost.Add(one.Host);
                            break;
                        case StrippingNotice.HostBack one:
                            Assert.True(lost.Remove(one.Host));
                            break;
                        case StrippingNotice.PathLost:
                            Assert.False(path);
                            path = true;
                            break;
                        case StrippingNotice.PathBack:
                            Assert.True(path);
                            path = false;
                            break;
                    }
                }

                Assert.InRange(watch.Suspects().Count, 0, 8);
                Assert.All(watch.Suspects().Keys, key => Assert.Contains(key.Host, lost));
            }
        });

    [Fact]
    public void What_is_told_can_be_acted_on()
    {
        var log = new RecordingLog<StrippingAlerts>();
        var alerts = new StrippingAlerts(_watch, log);
        foreach (var host in (string[])["mx.one.test", "mx.two.test", "mx.three.test"])
        {
            _now = _now.AddSeconds(1);
            alerts.TryRecord(Session(host, Refused("starttls-masked"), "192.0.2.1", TlsStart.StartTls, s_proven with { LastVerifiedAt = Samples.Noon.AddDays(-2) }));
        }

        foreach (var host in (string[])["mx.one.test", "mx.two.test", "mx.three.test"])
        {
            _now = _now.AddSeconds(1);
            alerts.TryRecord(Session(host, Encrypted(), "192.0.2.1", TlsStart.StartTls));
        }

        Assert.Equal(
            [
                (StrippingAlerts.HostLostEvent, LogLevel.Warning), (StrippingAlerts.HostLostEvent, LogLevel.Warning), (StrippingAlerts.HostLostEvent, LogLevel.Warning),
                (StrippingAlerts.PathLostEvent, LogLevel.Error),
                (StrippingAlerts.HostBackEvent, LogLevel.Information), (StrippingAlerts.HostBackEvent, LogLevel.Information), (StrippingAlerts.PathBackEvent, LogLevel.Warning),
                (StrippingAlerts.HostBackEvent, LogLevel.Information),
            ],
            log.Lines.Select(line => (line.Event, line.Level)));
        var text = log.Lines.First().Text;
        Assert.StartsWith("SUSPECTED STRIPPING: mx.one.test:25 at 192.0.2.1 does not start TLS in s1 (starttls-not-supported (starttls-masked)), and last did on 2026-02-28, and proved who it was on 2026-02-27.", text, StringComparison.Ordinal);
        Assert.EndsWith("hopseal tls forget mx.one.test:25", text, StringComparison.Ordinal);
        Assert.Contains("mx.one.test:25, mx.two.test:25, mx.three.test:25", log.Lines.ElementAt(3).Text, StringComparison.Ordinal);
        Assert.EndsWith("did not since 2026-03-01T12:00:01.000Z", log.Lines.ElementAt(4).Text, StringComparison.Ordinal);
        Assert.Contains("since 2026-03-01T12:00:01.000Z,", log.Lines.ElementAt(6).Text, StringComparison.Ordinal);
    }

    ImmutableArray<StrippingNotice> Lose(string host, string reason = "starttls-not-offered", string address = "192.0.2.1") =>
        Observe(host, Refused(reason), address, policies: s_proven);

    ImmutableArray<StrippingNotice> Keep(string host, string address = "192.0.2.1") => Observe(host, Encrypted(), address, policies: s_proven);

    ImmutableArray<StrippingNotice> Observe(
        string host, TlsOutcome tls, string address = "192.0.2.1", TlsStart start = TlsStart.StartTls, params TransportPolicy[] policies)
    {
        _now = _now.AddSeconds(1);
        return _watch.Observe(Session(host, tls, address, start, policies));
    }

    SessionRecord.Outbound Session(string host, TlsOutcome tls, string address, TlsStart start, params TransportPolicy[] policies) => new(
        Samples.Lease().Id,
        "example.org",
        Samples.Host() with
        {
            Host = Samples.Host().Host with { Name = DomainName.Parse(host), Start = start },
            Policies = [new TransportPolicy.Opportunistic(), .. policies],
        },
        start,
        Fault: null,
        Attempts: 1,
        Transactions: 0,
        Delivered: 0,
        Deferred: 1,
        Bounced: 0,
        MayBeDelivered: 0,
        Transcript: null)
    {
        SessionId = "s1",
        StartedAt = _now,
        Elapsed = TimeSpan.FromSeconds(1),
        Peer = new IPEndPoint(IPAddress.Parse(address), 25),
        Tls = tls,
    };

    static TlsOutcome.Refused Refused(string reason) => new([new TlsFailure(TlsResultType.StarttlsNotSupported, reason)]);

    static TlsOutcome.Encrypted Encrypted() => new(
        SslProtocols.Tls13, "TLS_AES_256_GCM_SHA384", PeerIdentity.Unauthenticated, null, null, TimeSpan.Zero, []);
}
