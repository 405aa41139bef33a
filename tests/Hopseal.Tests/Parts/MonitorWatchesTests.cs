using System.Collections.Immutable;
using Hopseal.Dns;
using Hopseal.Monitor;
using Hopseal.Parts;
using Hopseal.Reports.Alerts;

namespace Hopseal.Tests.Parts;

public sealed class MonitorWatchesTests
{
    static readonly DateTimeOffset s_now = new(2026, 12, 1, 12, 0, 0, TimeSpan.Zero);

    [Fact]
    public async Task Every_rule_of_the_monitor_is_watched_and_all_go_by_the_same_histories()
    {
        var reads = 0;
        var watches = new MonitorWatches(() =>
        {
            reads++;
            return [Stale];
        }, s_now.AddDays(-30));
        var seen = await RoundAsync(watches);
        Assert.Equal(AlertRules.All.Where(rule => rule.StartsWith("monitor.", StringComparison.Ordinal)).Order(), seen.Keys.Order());
        Assert.Equal(1, reads);
        Assert.Equal("partner.example", Assert.Single(seen[AlertRules.MonitorStale]!.Value).Subject);
        Assert.All(seen.Where(rule => rule.Key != AlertRules.MonitorStale), rule => Assert.Empty(rule.Value!.Value));
        await RoundAsync(watches);
        Assert.Equal(2, reads);
    }

    [Fact]
    public async Task Where_no_domain_is_watched_what_was_open_ends()
    {
        var seen = await RoundAsync(new MonitorWatches(null, s_now));
        Assert.All(seen.Values, troubles => Assert.Empty(troubles!.Value));
        Assert.Contains(AlertRules.MonitorStartTls, seen.Keys);
    }

    [Fact]
    public async Task What_cannot_be_read_is_unknown_to_every_rule()
    {
        var broken = false;
        var watches = new MonitorWatches(() => broken ? throw new IOException("the disk is gone") : [Stale], s_now.AddDays(-30));
        await RoundAsync(watches);
        broken = true;
        var first = true;
        foreach (var (_, look) in watches.All)
        {
            if (first)
            {
                await Assert.ThrowsAsync<IOException>(async () => await look(s_now, TestContext.Current.CancellationToken));
            }
            else
            {
                Assert.Null(await look(s_now, TestContext.Current.CancellationToken));
            }

            first = false;
        }
    }

    static DomainHistory Stale => new(
        new WatchedDomain(DomainName.Parse("partner.example"), WatchedAs.Partner), null, [], new LookState(s_now.AddHours(-1), s_now.AddHours(4), 3, "421"));

    static async Task<Dictionary<string, ImmutableArray<Trouble>?>> RoundAsync(MonitorWatches watches)
    {
        var seen = new Dictionary<string, ImmutableArray<Trouble>?>();
        foreach (var (rule, look) in watches.All)
        {
            seen[rule] = await look(s_now, TestContext.Current.CancellationToken);
        }

        return seen;
    }
}
