using Hopseal.Relay.Queue;
using Hopseal.Relay.Tests.Attempt;
using Hopseal.Smtp.Wire;

namespace Hopseal.Relay.Tests.Queue;

public sealed class DestinationLanesTests
{
    static readonly RecipientOutcome.Deferred s_failure = new(new EnhancedStatus(4, 4, 1), "nobody answers");
    static readonly DateTimeOffset s_now = Samples.Noon;

    [Fact]
    public void A_destination_runs_no_more_than_its_share_and_the_others_go_on()
    {
        var lanes = Lanes(maxRunning: 10, window: 2);
        Prove(lanes, "slow");
        Prove(lanes, "quick");
        Admit(lanes, "slow", 5);
        Admit(lanes, "quick", 1);

        Assert.Equal(["quick", "slow", "slow"], Started(lanes).Order());
        Assert.Equal(3, lanes.Held);

        lanes.End("slow");
        Assert.Equal(["slow"], Started(lanes));
    }

    [Fact]
    public void Lanes_take_turns_when_all_together_are_limited()
    {
        var lanes = Lanes(maxRunning: 1, window: 2);
        Prove(lanes, "a");
        Prove(lanes, "b");
        Admit(lanes, "a", 3);
        Admit(lanes, "b", 2);

        List<string> order = [];
        while (lanes.TryStart(out var destination, out _))
        {
            order.Add(destination);
            lanes.End(destination);
        }

        Assert.Equal(["a", "b", "a", "b", "a"], order);
        Assert.True(lanes.IsEmpty);
    }

    [Fact]
    public void A_full_lane_takes_nothing_more_and_asks_again_when_it_is_half_empty()
    {
        var lanes = Lanes(window: 1, maxWaitingPerLane: 4);
        Prove(lanes, "slow");
        Admit(lanes, "slow", 1);
        Started(lanes);
        Admit(lanes, "slow", 4);

        Assert.IsType<LeaseAnswer.Full>(lanes.Reserve("slow", arriving: false, s_now));
        Assert.IsType<LeaseAnswer.Yes>(lanes.Reserve("quick", arriving: false, s_now));
        Assert.False(lanes.TakeWish());
        lanes.End("slow");
        Started(lanes);
        Assert.False(lanes.TakeWish());
        Assert.IsType<LeaseAnswer.Full>(lanes.Reserve("slow", arriving: false, s_now));

        lanes.End("slow");
        Started(lanes);
        Assert.True(lanes.TakeWish());
        Assert.False(lanes.TakeWish());
        Assert.IsType<LeaseAnswer.Yes>(lanes.Reserve("slow", arriving: false, s_now));
    }

    [Fact]
    public void A_new_message_does_not_overtake_those_that_found_no_room()
    {
        var lanes = Lanes(window: 1, maxWaitingPerLane: 2);
        Prove(lanes, "d");
        Assert.IsType<LeaseAnswer.Yes>(lanes.Reserve("d", arriving: true, s_now));
        Assert.IsType<LeaseAnswer.Yes>(lanes.Reserve("d", arriving: true, s_now));
        Assert.IsType<LeaseAnswer.Full>(lanes.Reserve("d", arriving: true, s_now));
        lanes.Release("d");
        lanes.Release("d");

        // There is room, and it belongs to the one who waits in the store; it may take more than one round to find it.
        Assert.True(lanes.TakeWish());
        Assert.IsType<LeaseAnswer.Full>(lanes.Reserve("d", arriving: true, s_now));
        Assert.IsType<LeaseAnswer.Yes>(lanes.Reserve("d", arriving: false, s_now));
        lanes.EndRound();
        Assert.IsType<LeaseAnswer.Full>(lanes.Reserve("d", arriving: true, s_now));
        lanes.EndRound();
        Assert.IsType<LeaseAnswer.Yes>(lanes.Reserve("d", arriving: true, s_now));
    }

    [Fact]
    public void Destinations_that_have_not_answered_leave_half_of_the_places_to_those_that_do()
    {
        var lanes = Lanes(maxRunning: 10, window: 5);
        Prove(lanes, "live");
        for (var i = 0; i < 20; i++)
        {
            Admit(lanes, $"dead{i}", 2);
        }

        Assert.Equal(5, Started(lanes).Count);
        Admit(lanes, "live", 7);
        Assert.Equal(Enumerable.Repeat("live", 5), Started(lanes));
        Assert.Equal((10, 5), (lanes.Running, lanes.RunningUnproven));

        // One that answers after all counts as live from then on, with all that it has under way.
        lanes.Answered("dead0", s_now);
        Assert.Equal(4, lanes.RunningUnproven);
    }

    [Fact]
    public void An_attempt_that_waits_for_its_destination_leaves_its_place_to_one_that_was_never_asked()
    {
        var lanes = Lanes(maxRunning: 2, window: 5);
        Admit(lanes, "silent", 2);
        Admit(lanes, "new", 1);
        Assert.Equal(["silent"], Started(lanes));

        Assert.True(lanes.StepAside("silent"));
        Assert.Equal(["new"], Started(lanes));
        Assert.Equal((1, 1, 1, 1), (lanes.Running, lanes.RunningUnproven, lanes.Beside, lanes.Held));
        Assert.IsType<LeaseAnswer.Full>(lanes.Reserve("silent", arriving: false, s_now));

        // It answers after all: what waited goes on.
        lanes.Answered("silent", s_now);
        Assert.Equal(["silent"], Started(lanes));
        lanes.End("silent");
        lanes.End("new");
        Assert.False(lanes.IsEmpty);
        lanes.End("silent", beside: true);
        Assert.True(lanes.IsEmpty);
        Assert.Equal((0, 0, 0), (lanes.Running, lanes.RunningUnproven, lanes.Beside));
    }

    [Fact]
    public void Attempts_that_leave_their_places_are_bounded_and_none_does_where_it_was_answered()
    {
        var lanes = Lanes(maxRunning: 2, window: 5);
        Prove(lanes, "live");
        Admit(lanes, "live", 1);
        Started(lanes);
        Assert.False(lanes.StepAside("live"));

        for (var i = 0; i < 9; i++)
        {
            Admit(lanes, $"silent{i}", 1);
            Assert.Equal([$"silent{i}"], Started(lanes));
            Assert.Equal(i < 8, lanes.StepAside($"silent{i}"));
        }

        Assert.Equal((2, 1, 8), (lanes.Running, lanes.RunningUnproven, lanes.Beside));
    }

    [Fact]
    public void Destinations_that_have_not_answered_leave_half_of_the_room_to_those_that_do()
    {
        var lanes = Lanes(maxWaiting: 10);
        var reserved = Enumerable.Range(0, 20).Count(i => lanes.Reserve($"dead{i}", false, s_now) is LeaseAnswer.Yes);
        Assert.Equal(5, reserved);
        Assert.Equal(5, lanes.Count);

        Assert.False(lanes.TakeWish());
        for (var i = 0; i < 5; i++)
        {
            lanes.Release($"dead{i}");
        }

        Assert.True(lanes.TakeWish());
        Assert.Equal(0, lanes.Count);
    }

    [Fact]
    public void A_destination_that_fails_is_left_alone_and_then_asked_once()
    {
        var lanes = Lanes();
        Prove(lanes, "d");
        Admit(lanes, "d", 5);
        Assert.Equal(3, Started(lanes).Count);

        Assert.Equal(2, lanes.Failed("d", s_now.AddSeconds(1), s_now.AddSeconds(2), s_failure).Count);
        for (var i = 0; i < 3; i++)
        {
            lanes.End("d");
        }

        var wait = Assert.IsType<LeaseAnswer.NotBefore>(lanes.Reserve("d", arriving: false, s_now.AddSeconds(2)));
        Assert.Equal(s_now.AddSeconds(62), wait.Time);
        Assert.True(lanes.MustWait("d", s_now.AddSeconds(61)));
        Assert.Equal(s_failure, lanes.FailureOf("d"));

        Assert.IsType<LeaseAnswer.Yes>(lanes.Reserve("d", arriving: false, wait.Time));
        Assert.IsType<LeaseAnswer.Full>(lanes.Reserve("d", arriving: false, wait.Time));
        lanes.Admit("d", Samples.Lease());
        Assert.Single(Started(lanes));
        Assert.Empty(lanes.Failed("d", wait.Time, wait.Time.AddSeconds(30), s_failure));
        lanes.End("d");
        Assert.True(lanes.TakeWish());
        wait = Assert.IsType<LeaseAnswer.NotBefore>(lanes.Reserve("d", arriving: false, wait.Time.AddSeconds(30)));
        Assert.Equal(s_now.AddSeconds(62 + 30 + 120), wait.Time);

        lanes.Forget("d");
        Assert.IsType<LeaseAnswer.Yes>(lanes.Reserve("d", arriving: false, s_now.AddSeconds(92)));
        Assert.Null(lanes.FailureOf("d"));
    }

    [Fact]
    public void A_destination_that_failed_while_a_lease_was_on_its_way_is_asked_again_later()
    {
        var lanes = Lanes();
        Admit(lanes, "d", 1);
        Assert.Equal(["d"], Started(lanes));
        Assert.IsType<LeaseAnswer.Yes>(lanes.Reserve("d", arriving: false, s_now));
        Assert.IsType<LeaseAnswer.Full>(lanes.Reserve("d", arriving: false, s_now));
        Assert.Empty(lanes.Failed("d", s_now, s_now, s_failure));
        lanes.End("d");

        lanes.Admit("d", Samples.Lease());
        Assert.Single(lanes.TakeWaiting("d"));

        Assert.True(lanes.IsEmpty);
        Assert.IsType<LeaseAnswer.Yes>(lanes.Reserve("d", arriving: false, s_now.AddMinutes(1)));
    }

    [Fact]
    public void What_is_remembered_of_idle_destinations_is_bounded()
    {
        var lanes = Lanes(maxRemembered: 10);
        for (var i = 0; i < 100; i++)
        {
            Prove(lanes, $"d{i}");
        }

        Assert.Equal(10, lanes.Count);

        // One that is in use is not forgotten, however many come.
        Admit(lanes, "d95", 1);
        Assert.Equal(["d95"], Started(lanes));
        for (var i = 100; i < 200; i++)
        {
            Prove(lanes, $"d{i}");
        }

        Assert.InRange(lanes.Count, 10, 11);
        lanes.End("d95");
    }

    [Fact]
    public void Room_for_others_is_not_made_by_a_destination_that_is_in_use_again()
    {
        var lanes = Lanes(maxRemembered: 2);
        Admit(lanes, "d", 1);
        Started(lanes);
        lanes.Failed("d", s_now, s_now, s_failure);
        lanes.End("d");
        lanes.Forget("d");
        Admit(lanes, "d", 1);
        Started(lanes);
        lanes.End("d");

        Admit(lanes, "d", 1);
        Assert.Equal(["d"], Started(lanes));
        for (var i = 0; i < 5; i++)
        {
            Prove(lanes, $"d{i}");
        }

        lanes.End("d");
        Assert.True(lanes.IsEmpty);
    }

    [Fact]
    public void What_waits_can_be_taken_back_while_the_rest_ends()
    {
        var lanes = Lanes(window: 1);
        Prove(lanes, "a");
        Admit(lanes, "a", 3);
        Started(lanes);

        Assert.Equal(2, lanes.TakeWaiting().Count);
        lanes.End("a");

        Assert.Empty(Started(lanes));
        Assert.True(lanes.IsEmpty);
    }

    static DestinationLanes Lanes(
        int maxRunning = 10, int maxWaiting = 100, int maxWaitingPerLane = 10, int maxRemembered = 100, int window = 3) => new(
        new LaneLimits(
            maxRunning,
            maxWaiting,
            maxWaitingPerLane,
            maxRemembered,
            new HealthLimits(window, TimeSpan.FromMinutes(1), TimeSpan.FromMinutes(30))));

    static void Prove(DestinationLanes lanes, string destination)
    {
        Admit(lanes, destination, 1);
        Assert.Equal([destination], Started(lanes));
        for (var i = 0; i < 5; i++)
        {
            lanes.Answered(destination, s_now);
        }

        lanes.End(destination);
    }

    static void Admit(DestinationLanes lanes, string destination, int leases)
    {
        for (var i = 0; i < leases; i++)
        {
            Assert.IsType<LeaseAnswer.Yes>(lanes.Reserve(destination, arriving: false, s_now));
            lanes.Admit(destination, Samples.Lease());
        }
    }

    static List<string> Started(DestinationLanes lanes)
    {
        List<string> started = [];
        while (lanes.TryStart(out var destination, out _))
        {
            started.Add(destination);
        }

        return started;
    }
}
