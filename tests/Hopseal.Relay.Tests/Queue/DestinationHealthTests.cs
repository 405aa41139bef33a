using Hopseal.Relay.Queue;
using Hopseal.Relay.Tests.Attempt;
using Hopseal.Smtp.Wire;

namespace Hopseal.Relay.Tests.Queue;

public sealed class DestinationHealthTests
{
    static readonly HealthLimits s_limits = new(5, TimeSpan.FromMinutes(1), TimeSpan.FromMinutes(30));
    static readonly RecipientOutcome.Deferred s_failure = new(new EnhancedStatus(4, 4, 1), "nobody answers");
    static readonly DateTimeOffset s_now = Samples.Noon;

    readonly DestinationHealth _health = new(s_limits);

    [Theory]
    [InlineData(1, 1)]
    [InlineData(2, 2)]
    [InlineData(3, 4)]
    [InlineData(5, 16)]
    [InlineData(6, 30)]
    [InlineData(1_000_000, 30)]
    public void Back_off_doubles_up_to_its_limit(int failures, int minutes) =>
        Assert.Equal(TimeSpan.FromMinutes(minutes), s_limits.BackOff(failures));

    [Fact]
    public void The_window_opens_with_every_answer()
    {
        Assert.Equal((2, false), (_health.Window, _health.IsProven));
        foreach (var window in (int[])[3, 4, 5, 5])
        {
            _health.Answered(s_now);
            Assert.Equal((window, true), (_health.Window, _health.IsProven));
        }
    }

    [Fact]
    public void Attempts_that_fail_together_count_once()
    {
        for (var i = 0; i < 10; i++)
        {
            _health.Failed(s_now, s_now.AddSeconds(30 + i), s_failure);
        }

        Assert.Equal((1, 1, s_now.AddSeconds(90)), (_health.Failures, _health.Window, _health.NotBefore));
        _health.Failed(s_now.AddSeconds(90), s_now.AddSeconds(91), s_failure);
        Assert.Equal((2, s_now.AddSeconds(91 + 120)), (_health.Failures, _health.NotBefore));
    }

    [Fact]
    public void One_that_fails_while_others_get_through_costs_a_place_and_no_rest()
    {
        for (var i = 0; i < 5; i++)
        {
            _health.Answered(s_now.AddSeconds(1));
        }

        _health.Failed(s_now, s_now.AddSeconds(2), s_failure);
        Assert.Equal((0, 4, true), (_health.Failures, _health.Window, _health.IsProven));

        _health.Failed(s_now.AddSeconds(2), s_now.AddSeconds(3), s_failure);
        Assert.Equal((1, 1, false), (_health.Failures, _health.Window, _health.IsProven));
        Assert.Equal(s_failure, _health.Failure);
    }

    [Fact]
    public void An_answer_clears_everything()
    {
        _health.Failed(s_now, s_now, s_failure);
        _health.Answered(s_now.AddMinutes(1));
        Assert.Equal((0, true, default, null), (_health.Failures, _health.IsProven, _health.NotBefore, _health.Failure));
        Assert.Equal(2, _health.Window);
    }
}
