using System.Collections.Immutable;
using Hopseal.Audit.Findings;
using Hopseal.Monitor.Changes;
using Hopseal.Monitor.Store;
using Hopseal.Reports.Alerts;
using Microsoft.Extensions.Logging;

namespace Hopseal.Monitor.Tests;

public sealed class DomainMonitorTests
{
    static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task STARTTLS_that_was_missing_once_is_told_to_nobody()
    {
        await using var world = new MonitorWorld().Open();
        world.Run(MonitorWorld.Own(BankFacts.Domain));
        await world.LookAsync(BankFacts.All);

        var gone = await world.LookAsync(BankFacts.WithoutStartTls);
        Assert.Equal(LookResult.Pending, gone.Result);
        Assert.Equal(world.Clock.GetUtcNow() + world.Options.Confirm, gone.NextAt);
        var between = world.Query.Find(BankFacts.Domain)!;
        Assert.Equal(world.Clock.GetUtcNow(), between.Looks.PendingSince);
        Assert.True(between.Current!.Facts.Hosts[0].Endpoints[0].Dialogue.StartTls);

        Assert.Equal(LookResult.Unchanged, (await world.LookAsync(BankFacts.All)).Result);
        var after = world.Query.Find(BankFacts.Domain)!;
        Assert.Single(after.Recent);
        Assert.Null(after.Looks.PendingSince);
        Assert.DoesNotContain(world.Query.Findings(BankFacts.Domain), finding => finding.Id == CheckIds.StartTlsOffered);
    }

    [Fact]
    public async Task STARTTLS_that_is_missing_twice_is_found_and_ends_when_it_is_back_twice()
    {
        await using var world = new MonitorWorld().Open();
        world.Run(MonitorWorld.Own(BankFacts.Domain));
        await world.LookAsync(BankFacts.All);
        await world.LookAsync(BankFacts.WithoutStartTls);
        var since = world.Clock.GetUtcNow();
        world.Clock.Advance(TimeSpan.FromMinutes(5));

        Assert.Equal(LookResult.Changed, (await world.LookAsync(BankFacts.WithoutStartTls)).Result);
        var gone = world.Query.Find(BankFacts.Domain)!;
        Assert.Equal(2, gone.Recent.Length);
        Assert.Equal(since, gone.Current!.FirstSeenAt);
        Assert.False(gone.Current.Facts.Hosts[0].Endpoints[0].Dialogue.StartTls);
        var open = Assert.Single(world.Query.Findings(BankFacts.Domain), finding => finding.Id == CheckIds.StartTlsOffered);
        Assert.Equal((Verdict.Fail, null), (open.Verdict, open.ClosedAt));
        var row = Assert.Single(world.Query.List(new WatchedFilter(), null, 10));
        Assert.Equal((Verdict.Fail, since), (row.Confidential, row.ChangedAt));
        Assert.True(row.Failing > 0);

        await world.LookAsync(BankFacts.All);
        world.Clock.Advance(TimeSpan.FromMinutes(5));
        Assert.Equal(LookResult.Changed, (await world.LookAsync(BankFacts.All)).Result);
        var closed = Assert.Single(world.Query.Findings(BankFacts.Domain), finding => finding.Id == CheckIds.StartTlsOffered);
        Assert.Equal(world.Clock.GetUtcNow(), closed.ClosedAt);
        Assert.Equal(open.OpenedAt, closed.OpenedAt);
        Assert.Equal(3, world.Query.Find(BankFacts.Domain)!.Recent.Length);
    }

    [Fact]
    public async Task What_was_lost_stays_expected_until_it_is_back_or_accepted()
    {
        await using var world = new MonitorWorld().Open();
        world.Run(MonitorWorld.Own(BankFacts.Domain));
        await world.LookAsync(BankFacts.All);
        await world.LookAsync(BankFacts.WithoutStartTls);
        await world.LookAsync(BankFacts.WithoutStartTls);
        await world.LookAsync(BankFacts.WithoutStartTls);

        var lost = world.Query.Find(BankFacts.Domain)!;
        Assert.NotEqual(lost.Current!.Id, lost.Reference!.Id);
        Assert.True(world.Query.List(new WatchedFilter(), null, 1)[0].Lost);
        Assert.Contains(MonitorRules.Of(lost, world.Clock.GetUtcNow()), told => told is { Rule: AlertRules.MonitorStartTls, Trouble.Severity: AlertSeverity.Critical });

        Assert.True(await world.Monitor.AcceptAsync(BankFacts.Domain, "ada", Cancel));
        Assert.False(await world.Monitor.AcceptAsync("other.example", "ada", Cancel));
        await world.LookAsync(BankFacts.WithoutStartTls);
        var accepted = world.Query.Find(BankFacts.Domain)!;
        Assert.Equal(accepted.Current!.Id, accepted.Reference!.Id);
        Assert.DoesNotContain(MonitorRules.Of(accepted, world.Clock.GetUtcNow()), told => told.Trouble.Severity is AlertSeverity.Critical);
        Assert.Empty(MonitorRules.Losses(accepted));

        await world.LookAsync(BankFacts.All);
        await world.LookAsync(BankFacts.All);
        var back = world.Query.Find(BankFacts.Domain)!;
        Assert.Equal(back.Current!.Id, back.Reference!.Id);
    }

    [Fact]
    public async Task A_look_that_differs_is_confirmed_by_itself_after_a_while()
    {
        await using var world = new MonitorWorld().Open();
        world.Run(MonitorWorld.Own(BankFacts.Domain));
        await world.LookAsync(BankFacts.All);
        await world.LookAsync(BankFacts.WithoutStartTls);
        var pendingAt = world.Clock.GetUtcNow();

        var looked = world.Looked.Count;
        await world.PassAsync(() => world.Looked.Count > looked && world.Query.Find(BankFacts.Domain)!.Recent.Length == 2, TimeSpan.FromMinutes(1));

        Assert.True(world.Query.Find(BankFacts.Domain)!.Looks.LastAt >= pendingAt + world.Options.Confirm);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Looks_that_find_nothing_out_are_counted_and_change_nothing(bool withoutDns)
    {
        await using var world = new MonitorWorld().Open();
        world.Run(MonitorWorld.Own(BankFacts.Domain));
        await world.LookAsync(BankFacts.All);
        var before = world.Query.List(new WatchedFilter(), null, 10);

        var first = await world.LookAsync(withoutDns ? BankFacts.NoDns : BankFacts.TurnedAway);
        await world.LookAsync();

        Assert.Equal(LookResult.Inconclusive, first.Result);
        Assert.Contains(withoutDns ? "time-out" : "421", first.Why, StringComparison.Ordinal);
        var history = world.Query.Find(BankFacts.Domain)!;
        Assert.Equal(2, history.Looks.Inconclusive);
        Assert.Contains(withoutDns ? "time-out" : "421", history.Looks.Why, StringComparison.Ordinal);
        Assert.NotEmpty(history.Looks.Unanswered);
        Assert.Single(history.Recent);
        Assert.Equal(before.Select(row => (row.Confidential, row.Authenticated, row.Watched)), world.Query.List(new WatchedFilter(), null, 10).Select(row => (row.Confidential, row.Authenticated, row.Watched)));

        await world.LookAsync(BankFacts.All);
        Assert.Equal(0, world.Query.Find(BankFacts.Domain)!.Looks.Inconclusive);
    }

    [Fact]
    public async Task A_look_that_fails_by_a_fault_of_ours_ends_nothing()
    {
        await using var world = new MonitorWorld().Open();
        world.See(BankFacts.Domain, _ => throw new InvalidOperationException("a defect"));
        world.Run(MonitorWorld.Own(BankFacts.Domain));

        Assert.Equal(LookResult.Inconclusive, (await world.LookAsync()).Result);
        Assert.Equal(LookResult.Changed, (await world.LookAsync(BankFacts.All)).Result);
        Assert.Contains(world.Log.Lines, line => line is { Id: 3404, Level: LogLevel.Error });
    }

    [Fact]
    public async Task A_look_without_end_is_given_up()
    {
        await using var world = new MonitorWorld { Options = new MonitorOptions { Longest = TimeSpan.FromMinutes(20) } }.Open();
        var begun = new TaskCompletionSource();
        world.See(BankFacts.Domain, async cancel =>
        {
            begun.TrySetResult();
            await Task.Delay(Timeout.InfiniteTimeSpan, world.Clock, cancel);
            return BankFacts.All;
        });
        world.Run(MonitorWorld.Own(BankFacts.Domain));
        await begun.Task.WaitAsync(Cancel);
        var look = world.Monitor.LookNowAsync(BankFacts.Domain, Cancel);

        await world.PassAsync(() => look.IsCompleted, TimeSpan.FromMinutes(5));

        Assert.Equal("its servers took longer than 20 minutes", (await look)!.Why);
        Assert.Equal(1, world.Query.Find(BankFacts.Domain)!.Looks.Inconclusive);
    }

    [Fact]
    public async Task Tarpits_hold_up_nobody()
    {
        await using var world = new MonitorWorld { Options = new MonitorOptions { Parallel = 2, Brisk = TimeSpan.FromSeconds(30), MostSlow = 3, Spread = TimeSpan.Zero, Longest = TimeSpan.FromDays(40) } }.Open();
        ImmutableArray<WatchedDomain> tarpits = [.. Enumerable.Range(0, 4).Select(i => MonitorWorld.Partner($"tarpit{i}.example"))];
        foreach (var tarpit in tarpits)
        {
            world.See(tarpit.Name.Ascii, async cancel =>
            {
                await Task.Delay(Timeout.InfiniteTimeSpan, world.Clock, cancel);
                return BankFacts.All;
            });
        }

        world.Run([.. tarpits, .. Enumerable.Range(0, 20).Select(i => MonitorWorld.Partner($"quick{i}.example"))]);
        await world.PassAsync(() => Looked("quick") == 20, TimeSpan.FromSeconds(10));

        Assert.Equal(4, Looked("tarpit"));

        // Some more than once: the clock may run for hours meanwhile.
        int Looked(string prefix) => world.Looked.Where(name => name.StartsWith(prefix, StringComparison.Ordinal)).Distinct().Count();
    }

    [Fact]
    public async Task After_a_restart_the_next_look_has_the_time_it_had()
    {
        await using var world = new MonitorWorld().Open();
        world.Run(MonitorWorld.Own(BankFacts.Domain));
        var next = (await world.LookAsync(BankFacts.All)).NextAt;
        Assert.Equal(BankFacts.At + (world.Options.Interval * 0.875), next);
        await world.CloseAsync();

        world.Clock.Advance(TimeSpan.FromHours(1));
        Assert.Equal(next, world.Open().Query.Find(BankFacts.Domain)!.Looks.NextAt);
        var looked = world.Looked.Count;
        world.Run(MonitorWorld.Own(BankFacts.Domain));
        await world.PassAsync(() => world.Looked.Count > looked, TimeSpan.FromMinutes(10));

        Assert.True(world.Clock.GetUtcNow() >= next);
    }

    [Fact]
    public async Task After_a_restart_a_pending_look_is_still_to_be_confirmed()
    {
        await using var world = new MonitorWorld().Open();
        world.Run(MonitorWorld.Own(BankFacts.Domain));
        await world.LookAsync(BankFacts.All);
        await world.LookAsync(BankFacts.WithoutStartTls);
        await world.CloseAsync();

        world.Open().Run(MonitorWorld.Own(BankFacts.Domain));
        Assert.Equal(LookResult.Changed, (await world.LookAsync(BankFacts.WithoutStartTls)).Result);
    }

    [Fact]
    public async Task What_is_overdue_at_a_start_comes_one_after_the_other()
    {
        await using var world = new MonitorWorld { Options = new MonitorOptions { Spread = TimeSpan.FromMinutes(1) } }.Open();
        ImmutableArray<WatchedDomain> domains = [.. Enumerable.Range(0, 5).Select(i => MonitorWorld.Partner($"p{i}.example"))];
        await world.Store.SyncAsync(domains, _ => BankFacts.At.AddDays(-1), Cancel);
        world.Run(domains);

        await world.PassAsync(() => world.Looked.Count >= 5, TimeSpan.FromSeconds(20));

        Assert.True(world.Clock.GetUtcNow() >= BankFacts.At.AddMinutes(4));
    }

    [Theory]
    [InlineData(0.0, 4.5)]
    [InlineData(0.999999, 6.0)]
    public void The_next_look_comes_after_75_to_100_percent_of_the_interval(double random, double hours)
    {
        var clock = new Microsoft.Extensions.Time.Testing.FakeTimeProvider(BankFacts.At);
        var taker = new LookTaker(null!, null!, (_, _) => Task.FromResult(BankFacts.All), null!, new MonitorOptions(), clock, () => random, new MonitorWorld.ListLogger());

        Assert.Equal(hours, (taker.Later() - BankFacts.At).TotalHours, 0.001);
    }

    [Fact]
    public async Task A_domain_that_is_taken_out_is_hidden_and_comes_back_with_what_was_known()
    {
        await using var world = new MonitorWorld().Open();
        world.Run(MonitorWorld.Own(BankFacts.Domain), MonitorWorld.Partner("other.example"));
        await world.LookAsync(BankFacts.All);
        await world.LookAsync("other.example");
        await world.CloseAsync();

        world.Open().Run(MonitorWorld.Partner("other.example"));
        await world.LookAsync("other.example");
        Assert.Equal(["other.example"], world.Query.List(new WatchedFilter(), null, 10).Select(row => row.Name));
        Assert.Equal(["other.example"], world.Query.Histories().Select(history => history.Domain.Name.Ascii));
        Assert.Null(world.Query.Find(BankFacts.Domain));
        Assert.Single(world.Query.Observations(BankFacts.Domain, null, 10));
        Assert.Null(await world.Monitor.LookNowAsync(BankFacts.Domain, Cancel));
        await world.CloseAsync();

        world.Open().Run(MonitorWorld.Partner(BankFacts.Domain));
        await world.LookAsync(BankFacts.All);
        var back = world.Query.Find(BankFacts.Domain)!;
        Assert.Equal(WatchedAs.Partner, back.Domain.As);
        Assert.Equal(BankFacts.At, Assert.Single(back.Recent).FirstSeenAt);
    }

    [Fact]
    public async Task Damaged_facts_are_as_if_they_had_not_been_seen()
    {
        await using var world = new MonitorWorld().Open();
        world.Run(MonitorWorld.Own(BankFacts.Domain));
        await world.LookAsync(BankFacts.All);
        await world.WriteAsync("UPDATE monitor_observations SET facts = x'1f8b0800'; UPDATE monitor_domains SET unanswered = '[null, {}', inconclusive = 0");

        Assert.Null(world.Query.Find(BankFacts.Domain)!.Current);
        Assert.Empty(world.Query.Observations(BankFacts.Domain, null, 10));
        Assert.Equal(LookResult.Changed, (await world.LookAsync(BankFacts.All)).Result);
        Assert.NotNull(world.Query.Find(BankFacts.Domain)!.Current);
    }

    [Fact]
    public async Task All_can_be_asked_for_and_what_was_asked_a_moment_ago_does_not_count()
    {
        await using var world = new MonitorWorld().Open();
        world.Run(MonitorWorld.Own(BankFacts.Domain), MonitorWorld.Partner("other.example"));
        await world.LookAsync(BankFacts.Domain);
        await world.LookAsync("other.example");
        var (looked, renewed) = (world.Looked.Count, world.Renewed);

        Assert.Equal(2, world.Monitor.LookAtAll());
        await world.PassAsync(() => world.Looked.Count >= looked + 2, TimeSpan.Zero);

        Assert.Equal(renewed + 1, world.Renewed);
    }
}
