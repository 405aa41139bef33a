using System.Collections.Immutable;
using FsCheck.Fluent;
using FsCheck.Xunit;
using Hopseal.Audit.Facts;
using Hopseal.Monitor.Changes;
using Hopseal.Reports.Alerts;
using static Hopseal.Monitor.Tests.GoodDomain;

namespace Hopseal.Monitor.Tests.Changes;

/// <summary>What is not known opens no alert, ends none, and lets no reference go.</summary>
public sealed class UnknownTests
{
    static readonly Dictionary<string, AuditFacts> s_unknown = new()
    {
        ["the first host turns everybody away"] = Facts.Silent(),
        ["no MX answer"] = Facts.Mx(_ => new MxFacts(MxState.NotKnown, false, [], "timed out")) with { Hosts = [] },
        ["no addresses"] = Facts.Host(host => host with
        {
            AddressProblem = "timed out",
            AddressesKnown = false,
            AddressesSigned = false,
            Endpoints = [],
            Tlsa = new TlsaFacts(TlsaAnswer.Absent, null, [], []),
        }),
        ["no MTA-STS answer"] = Facts.Sts(_ => new StsFacts(null, false, "timed out", null, null)),
        ["no TLSRPT answer"] = Facts.Reports(_ => new TlsRptFacts(null, false, "timed out", [])),
    };

    static readonly ImmutableArray<string> s_hostRules =
    [
        AlertRules.MonitorStartTls, AlertRules.MonitorHandshake, AlertRules.MonitorMasked, AlertRules.MonitorTlsaMismatch, AlertRules.MonitorTlsaRollover,
        AlertRules.MonitorStsCertificate, AlertRules.MonitorCertificateExpiring, AlertRules.MonitorWeaker,
    ];

    public static TheoryData<string, string> Open
    {
        get
        {
            var data = new TheoryData<string, string>();
            Add("the first host turns everybody away", s_hostRules);
            Add("no addresses", [AlertRules.MonitorDnssecLost, AlertRules.MonitorDaneLost, AlertRules.MonitorDnssecFailed, AlertRules.MonitorStartTls, AlertRules.MonitorUnreachable]);
            Add("no MX answer", AlertRules.All.Where(rule => rule.StartsWith("monitor.", StringComparison.Ordinal) && rule != AlertRules.MonitorStale));
            Add("no MTA-STS answer", [AlertRules.MonitorStsFetch, AlertRules.MonitorStsWeaker, AlertRules.MonitorStsMx, AlertRules.MonitorStsHost, AlertRules.MonitorStsCertificate]);
            Add("no TLSRPT answer", [AlertRules.MonitorReports]);
            return data;

            void Add(string what, IEnumerable<string> rules)
            {
                foreach (var rule in rules)
                {
                    data.Add(what, rule);
                }
            }
        }
    }

    [Theory]
    [MemberData(nameof(Open))]
    public void An_open_alert_stays_while_it_cannot_be_known(string what, string rule)
    {
        var history = History(WatchedAs.Own, Facts, s_unknown[what]);
        var book = new AlertBook();
        foreach (var subject in (string[])[First, Name])
        {
            book.Look(rule, [new Trouble(subject, AlertSeverity.Warning, "it was bad", "mend it")], At);
        }

        var seen = MonitorRules.Of(history, At).Where(told => told.Rule == rule).Select(told => told.Trouble).ToArray();
        Assert.All(seen, trouble => Assert.True(trouble.IsUnknown));
        book.Look(rule, seen, At.AddHours(1));
        book.Look(rule, seen, At.AddHours(2));
        Assert.Contains(book.Open, alert => seen.Any(trouble => trouble.Subject == alert.Subject));
    }

    [Fact]
    public void The_reference_stays_while_what_it_had_is_not_known()
    {
        Assert.All(s_unknown.Values, facts =>
        {
            var losses = MonitorRules.Losses(History(WatchedAs.Partner, Facts, facts));
            Assert.NotEmpty(losses);
            Assert.All(losses, told => Assert.True(told.Trouble.IsUnknown));
        });
        Assert.All(s_unknown.Values, facts => Assert.Empty(MonitorRules.Losses(History(WatchedAs.Partner, facts))));
    }

    /// <summary>Any two states of a domain, whatever is wrong with either.</summary>
    [Property]
    public FsCheck.Property What_is_not_known_of_a_host_tells_nothing_of_it(int then, int now, bool own) =>
        Any(then, now, own, (before, after) =>
        {
            var told = MonitorRules.Of(History(own ? WatchedAs.Own : WatchedAs.Partner, before, after.Silent()), At)
                .Where(one => !one.Trouble.IsUnknown && one.Trouble.Subject == First).Select(one => one.Rule);

            // What DNS says is known without the host.
            return told.All(rule => rule is AlertRules.MonitorDnssecFailed or AlertRules.MonitorDnssecLost or AlertRules.MonitorDaneLost or AlertRules.MonitorMxNetwork);
        });

    [Property]
    public FsCheck.Property One_observation_alone_tells_no_loss_and_no_change(int now, bool own) => Any(now, now, own, (facts, _) =>
    {
        var history = History(own ? WatchedAs.Own : WatchedAs.Partner, facts);
        var changes = (string[])[AlertRules.MonitorMxChanged, AlertRules.MonitorMxNetwork, AlertRules.MonitorStsId, AlertRules.MonitorCertificateIssuer, AlertRules.MonitorCertificateKey, AlertRules.MonitorWeaker];
        return MonitorRules.Losses(history).IsEmpty && MonitorRules.Of(history, At).All(told => told.Trouble.IsUnknown || !changes.Contains(told.Rule));
    });

    [Property]
    public FsCheck.Property The_same_again_tells_no_more_than_it_told_alone(int now, bool own) => Any(now, now, own, (facts, _) =>
    {
        var watched = own ? WatchedAs.Own : WatchedAs.Partner;
        return MonitorRules.Of(History(watched, facts, facts), At).ToHashSet().SetEquals(MonitorRules.Of(History(watched, facts), At));
    });

    static FsCheck.Property Any(int then, int now, bool own, Func<AuditFacts, AuditFacts, bool> holds)
    {
        AuditFacts[] all = [Facts, .. RuleCases.All.Values.SelectMany(one => (AuditFacts[])[one.Then, one.Now]), .. s_unknown.Values];
        var (before, after) = (all[(int)((uint)then % all.Length)], all[(int)((uint)now % all.Length)]);
        return holds(before, after).Label($"{(uint)then % all.Length} {(uint)now % all.Length} {own}");
    }
}
