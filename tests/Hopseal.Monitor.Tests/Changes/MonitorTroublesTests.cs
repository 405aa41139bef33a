using Hopseal.Audit.Facts;
using Hopseal.Dns;
using Hopseal.Monitor.Changes;
using Hopseal.Reports.Alerts;
using static Hopseal.Monitor.Tests.GoodDomain;

namespace Hopseal.Monitor.Tests.Changes;

public sealed class MonitorTroublesTests
{
    [Fact]
    public void A_host_that_many_domains_use_is_told_once_and_names_them()
    {
        var lost = Facts.Endpoints(RuleCases.WithoutStartTls);
        var histories = Enumerable.Range(1, 8).Select(number => Named($"d{number}.example", number == 3 ? WatchedAs.Own : WatchedAs.Partner, Facts, lost));
        var (rule, troubles) = Assert.Single(MonitorTroubles.Of([.. histories], At, At), pair => pair.Value.Any(trouble => !trouble.IsUnknown));
        var trouble = Assert.Single(troubles);
        Assert.Equal((AlertRules.MonitorStartTls, First, AlertSeverity.Critical), (rule, trouble.Subject, trouble.Severity));
        Assert.EndsWith(". It takes mail of d1.example, d2.example, d3.example, d4.example, d5.example and 3 others", trouble.Text, StringComparison.Ordinal);
    }

    [Fact]
    public void What_one_look_knows_counts_more_than_what_another_does_not()
    {
        var histories = (DomainHistory[])[Named("a.example", WatchedAs.Partner, Facts, Facts.Silent()), Named("b.example", WatchedAs.Partner, Facts, Facts.Endpoints(RuleCases.WithoutStartTls))];
        Assert.False(Assert.Single(MonitorTroubles.Of([.. histories], At, At)[AlertRules.MonitorStartTls]).IsUnknown);
        Assert.True(Assert.Single(MonitorTroubles.Of([histories[0]], At, At)[AlertRules.MonitorStartTls]).IsUnknown);
    }

    [Fact]
    public void The_most_severe_of_several_is_told()
    {
        // Known as bad for long by one, new to the other.
        var bad = Facts.Handshake(handshake => handshake with { TlsaMatches = false });
        var histories = (DomainHistory[])[Named("a.example", WatchedAs.Partner, bad), Named("b.example", WatchedAs.Partner, Facts, bad)];
        var trouble = Assert.Single(MonitorTroubles.Of([.. histories], At, At)[AlertRules.MonitorTlsaMismatch]);
        Assert.Equal(AlertSeverity.Critical, trouble.Severity);
        Assert.Contains("hopseal monitor accept b.example", trouble.Advice, StringComparison.Ordinal);
    }

    [Fact]
    public void Nothing_is_said_of_rules_that_find_nothing() => Assert.Empty(MonitorTroubles.Of([Named("a.example", WatchedAs.Own, Facts)], At, At));

    static DomainHistory Named(string domain, WatchedAs watched, params AuditFacts[] seen) =>
        History(watched, seen) with { Domain = new WatchedDomain(DomainName.Parse(domain), watched) };
}
