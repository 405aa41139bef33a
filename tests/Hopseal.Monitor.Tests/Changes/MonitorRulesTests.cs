using System.Collections.Immutable;
using Hopseal.Audit.Facts;
using Hopseal.Monitor.Changes;
using Hopseal.Reports.Alerts;
using static Hopseal.Monitor.Tests.Changes.RuleCases;
using static Hopseal.Monitor.Tests.GoodDomain;

namespace Hopseal.Monitor.Tests.Changes;

public sealed class MonitorRulesTests
{
    public static TheoryData<string> Names => [.. RuleCases.All.Keys];

    [Theory]
    [MemberData(nameof(Names))]
    public void One_thing_that_went_wrong_is_told_once_and_as_severely_as_it_is(string name)
    {
        var one = RuleCases.All[name];
        AssertTold(one, History(WatchedAs.Own, one.Then, one.Now), one.Own);
        AssertTold(one, History(WatchedAs.Partner, one.Then, one.Now), one.Partner);
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void What_was_no_better_before_is_told_less_and_is_no_loss(string name)
    {
        var one = RuleCases.All[name];
        foreach (var (watched, severity) in ((WatchedAs, AlertSeverity?)[])[(WatchedAs.Own, one.OwnOld), (WatchedAs.Partner, one.PartnerOld)])
        {
            var history = History(watched, one.Now);
            Assert.Empty(MonitorRules.Losses(history));
            if (!one.IsChange)
            {
                Assert.Equal(severity, Known(history).Where(told => told.Rule == one.Rule).Select(told => (AlertSeverity?)told.Trouble.Severity).SingleOrDefault());
            }
        }
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void What_is_lost_keeps_the_reference_and_what_is_only_changed_does_not(string name)
    {
        var one = RuleCases.All[name];
        var lost = MonitorRules.Losses(History(WatchedAs.Own, one.Then, one.Now)).Where(told => !told.Trouble.IsUnknown).Select(told => told.Rule);
        var isState = one.Rule is AlertRules.MonitorCertificateExpiring or AlertRules.MonitorStsHost;
        Assert.Equal(isState || (one.IsChange && one.Rule != AlertRules.MonitorStartTls) ? [] : [one.Rule], lost);
    }

    [Fact]
    public void Nothing_is_told_of_a_domain_with_which_nothing_is_wrong()
    {
        Assert.Empty(MonitorRules.Of(History(WatchedAs.Own, Facts), At));
        Assert.Empty(MonitorRules.Of(History(WatchedAs.Own, Facts, Facts with { Hosts = [Facts.Hosts[1], Facts.Hosts[0]] }), At));
        Assert.Empty(MonitorRules.Losses(History(WatchedAs.Own, Facts, Facts)));
        Assert.Empty(MonitorRules.Of(History(WatchedAs.Own, Facts) with { Recent = [], Reference = null }, At));
    }

    static readonly Dictionary<string, AuditFacts> s_harmless = new()
    {
        ["renewed with its announced key"] = Facts.Leaf(leaf => leaf with { Fingerprint = Digest('6'), Issuer = "CN=R12, O=Let's Encrypt, C=US", From = At.AddDays(-1), Until = At.AddDays(89) }),
        ["a next key announced"] = Facts.Tlsa(tlsa => tlsa with { Records = [.. tlsa.Records, $"3 1 1 {Digest('7')}"] }),
        ["a new policy with a new id"] = Facts.Policy(policy => policy with { Mx = [First, Second] }).Sts(sts => sts with { Record = "2" }),
        ["one address does not answer"] = Facts.Host(host => host with { Endpoints = [host.Endpoints[0], Facts.Silent().Hosts[0].Endpoints[1]] }),
        ["an address in the same network"] = Facts.Endpoints(endpoint => endpoint.Address == "192.0.2.1" ? endpoint with { Address = "192.0.77.1" } : endpoint),
        ["another banner"] = Facts.Dialogue(dialogue => dialogue with { Banner = "ready" }),
        ["fewer questions asked"] = Facts.Tls(tls => tls with { AllSuites = false, GroupsKnown = false, Groups = [], Versions = tls.Versions.SetItem("TLS 1.3", null), Sha1Signature = null }),
        ["a stronger key"] = Facts.Leaf(leaf => leaf with { KeyKind = "RSA", KeyBits = 4096 }),
        ["another preference"] = Facts.Mx(mx => mx with { Exchangers = [mx.Exchangers[0] with { Preference = 5 }, mx.Exchangers[1]] }),
    };

    public static TheoryData<string> Harmless => [.. s_harmless.Keys];

    [Theory]
    [MemberData(nameof(Harmless))]
    public void What_happens_every_day_is_not_told(string name)
    {
        var history = History(WatchedAs.Own, Facts, s_harmless[name]);
        Assert.Empty(Known(history));
        Assert.Empty(MonitorRules.Losses(history));
    }

    [Fact]
    public void A_new_key_that_was_announced_before_is_no_outage()
    {
        var announced = Ending(Facts).Tlsa(tlsa => tlsa with { Records = [.. tlsa.Records, $"3 1 1 {Digest('7')}"] });
        var used = announced.Leaf(leaf => leaf with { KeyFingerprint = Digest('7'), Fingerprint = Digest('6') });
        Assert.Empty(Known(History(WatchedAs.Own, announced, used.Leaf(Fresh))));
        Assert.Empty(Known(History(WatchedAs.Own, announced, used.Leaf(Fresh).Tlsa(tlsa => tlsa with { Records = [$"3 1 1 {Digest('7')}"] }))));
    }

    [Fact]
    public void A_short_certificate_is_not_late_before_the_last_quarter_of_its_life()
    {
        var facts = Facts.Leaf(leaf => leaf with { From = At.AddDays(-4), Until = At.AddDays(2) });
        Assert.Empty(Known(History(WatchedAs.Own, facts)));
        var (_, trouble) = Assert.Single(Known(History(WatchedAs.Own, facts), At.AddDays(1)));
        Assert.Equal(AlertSeverity.Warning, trouble.Severity);
    }

    [Fact]
    public void The_end_of_a_certificate_that_nobody_relies_on_is_not_told()
    {
        var byKey = SelfSigned(Facts.WithoutSts()).Leaf(leaf => leaf with { Until = At.AddDays(-1) });
        Assert.Empty(Known(History(WatchedAs.Own, byKey)));
        var opportunistic = byKey.WithoutDane();
        Assert.Empty(Known(History(WatchedAs.Partner, opportunistic)));
        Assert.Equal(AlertSeverity.Info, Assert.Single(Known(History(WatchedAs.Own, opportunistic))).Trouble.Severity);
    }

    [Fact]
    public void A_change_is_told_for_a_week()
    {
        var history = History(WatchedAs.Own, Facts, Another(Facts, endpoint => endpoint));
        Assert.Single(Known(history, At.AddDays(6.9)));
        Assert.Empty(Known(history, At.AddDays(7.1)));
    }

    [Fact]
    public void An_id_that_was_changed_after_all_is_told_no_more()
    {
        var same = Facts.Policy(policy => policy with { Mx = [First, Second] });
        Assert.Empty(Known(History(WatchedAs.Own, Facts, same, same.Sts(sts => sts with { Record = "2" }))));
    }

    [Fact]
    public void What_is_back_is_not_told_and_what_is_accepted_is_told_as_it_is()
    {
        var lost = Facts.WithoutDane();
        Assert.Empty(Known(History(WatchedAs.Own, Facts, lost, Facts)));
        var history = History(WatchedAs.Own, Facts, lost);
        Assert.Empty(Known(history with { Reference = history.Current }));
        Assert.Contains("hopseal monitor accept good.example", Assert.Single(Known(history)).Trouble.Advice, StringComparison.Ordinal);
    }

    [Fact]
    public void A_host_that_left_has_no_trouble_any_more()
    {
        var bad = Another(Facts, WithoutStartTls);
        Assert.Equal([AlertRules.MonitorMxChanged], Known(History(WatchedAs.Own, Facts, bad, Facts)).Select(told => told.Rule));
    }

    static void AssertTold(RuleCase one, DomainHistory history, AlertSeverity? severity)
    {
        // A new host is a change, too.
        var known = Known(history).Where(told => one.Rule == AlertRules.MonitorMxChanged || told.Rule != AlertRules.MonitorMxChanged).ToArray();
        if (severity is null)
        {
            Assert.Empty(known);
            return;
        }

        var (rule, trouble) = Assert.Single(known);
        Assert.Equal((one.Rule, one.Subject, severity.Value), (rule, trouble.Subject, trouble.Severity));
        Assert.Contains(one.Text, trouble.Text, StringComparison.Ordinal);
        Assert.NotEqual("", trouble.Advice);
        Assert.True(trouble.Certain);
    }

    static ImmutableArray<(string Rule, Trouble Trouble)> Known(DomainHistory history, DateTimeOffset? now = null) =>
        [.. MonitorRules.Of(history, now ?? At).Where(told => !told.Trouble.IsUnknown)];
}
