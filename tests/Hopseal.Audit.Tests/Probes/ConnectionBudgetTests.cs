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

    [Theory]
    [InlineData(10, 3, 7)]
    [InlineData(10, 50, 5)]
    [InlineData(1, 3, 1)]
    public async Task What_is_promised_to_other_names_is_not_taken_by_the_first_one_but_never_more_than_half(int most, int others, int left)
    {
        var budget = new ConnectionBudget(Options() with { MostConnections = most }, promised: 1 + others);
        budget.Begin(1);
        while (await budget.TakeAsync(Cancel))
        {
        }

        Assert.Equal((left, left), (budget.Taken, budget.TakenNow));
        for (var name = 0; name < most - left; name++)
        {
            budget.Begin(1);
            Assert.True(await budget.TakeAsync(Cancel, promised: true));
            Assert.Equal(1, budget.TakenNow);
        }

        budget.Begin(1);
        Assert.False(await budget.TakeAsync(Cancel, promised: true));
    }

    [Fact]
    public async Task Who_was_promised_nothing_gets_no_more_for_it()
    {
        var budget = new ConnectionBudget(Options());
        budget.Begin(4);
        while (await budget.TakeAsync(Cancel))
        {
        }

        Assert.Equal(10, budget.Taken);
    }

    [Fact]
    public async Task What_ended_the_turn_of_one_name_does_not_end_that_of_the_next()
    {
        var budget = new ConnectionBudget(Options() with { MostTime = TimeSpan.FromMinutes(3) }, promised: 2);
        budget.Begin(1);
        Assert.True(await budget.TakeAsync(Cancel));
        budget.Closed = true;
        _clock.Advance(TimeSpan.FromMinutes(10));
        Assert.False(await budget.TakeAsync(Cancel));

        budget.Begin(1);

        Assert.True(await budget.TakeAsync(Cancel));
        Assert.True(await budget.TakeAsync(Cancel));
    }

    ProbeOptions Options() => new() { EhloName = "audit.test", Clock = _clock };
}
