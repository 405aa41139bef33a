using Hopseal.Audit.Probes;
using Microsoft.Extensions.Time.Testing;

namespace Hopseal.Audit.Tests.Probes;

public sealed class ConnectionBudgetTests
{
    readonly FakeTimeProvider _clock = new();

    static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Connections_are_counted_and_end()
    {
        var budget = new ConnectionBudget(Options() with { MostConnections = 2 });

        Assert.Equal((true, true, false), (await budget.TakeAsync(Cancel), await budget.TakeAsync(Cancel), await budget.TakeAsync(Cancel)));
        Assert.Equal((2, "2 connections are as many as may be opened"), (budget.Taken, budget.Exhausted));
    }

    [Fact]
    public async Task A_server_that_takes_all_day_is_left_alone_after_some_minutes()
    {
        var budget = new ConnectionBudget(Options() with { MostTime = TimeSpan.FromMinutes(3) });
        Assert.True(await budget.TakeAsync(Cancel));
        _clock.Advance(TimeSpan.FromMinutes(2));
        Assert.True(await budget.TakeAsync(Cancel));
        _clock.Advance(TimeSpan.FromMinutes(2));

        Assert.False(await budget.TakeAsync(Cancel));
        Assert.Equal((2, "2 connections took 3 minutes"), (budget.Taken, budget.Exhausted));
    }

    [Fact]
    public async Task Pauses_of_ours_do_not_count()
    {
        var budget = new ConnectionBudget(Options() with { Pause = TimeSpan.FromMinutes(5), MostTime = TimeSpan.FromMinutes(3) });
        Assert.True(await budget.TakeAsync(Cancel));
        for (var i = 1; i < 10; i++)
        {
            var taking = budget.TakeAsync(Cancel);
            _clock.Advance(TimeSpan.FromMinutes(5));
            Assert.True(await taking);
        }
    }

    ProbeOptions Options() => new() { EhloName = "audit.test", Clock = _clock };
}
