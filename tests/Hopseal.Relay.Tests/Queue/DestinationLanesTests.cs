using Hopseal.Relay.Queue;
using Hopseal.Relay.Tests.Attempt;

namespace Hopseal.Relay.Tests.Queue;

public sealed class DestinationLanesTests
{
    [Fact]
    public void A_destination_runs_no_more_than_its_share_and_the_others_go_on()
    {
        var lanes = new DestinationLanes(maxRunning: 10, maxRunningPerLane: 2, maxWaitingPerLane: 5);
        Admit(lanes, "slow", 5);
        Admit(lanes, "quick", 1);

        Assert.Equal(["slow", "quick", "slow"], Started(lanes));
        Assert.Equal(3, lanes.Waiting);

        lanes.End("slow");
        Assert.Equal(["slow"], Started(lanes));
    }

    [Fact]
    public void Lanes_take_turns_when_all_together_are_limited()
    {
        var lanes = new DestinationLanes(maxRunning: 1, maxRunningPerLane: 2, maxWaitingPerLane: 5);
        Admit(lanes, "a", 3);
        Admit(lanes, "b", 2);

        List<string> order = [];
        while (lanes.TryStart(out var destination, out _))
        {
            order.Add(destination);
            lanes.End(destination);
        }

        Assert.Equal(["a", "b", "a", "b", "a"], order);
        Assert.Equal((0, 0), (lanes.Running, lanes.Waiting));
    }

    [Fact]
    public void A_full_lane_takes_nothing_more_and_hinders_nobody()
    {
        var lanes = new DestinationLanes(maxRunning: 10, maxRunningPerLane: 1, maxWaitingPerLane: 2);
        Admit(lanes, "slow", 1);
        Started(lanes);
        Admit(lanes, "slow", 2);

        Assert.False(lanes.TryAdmit("slow", Samples.Lease()));
        Assert.True(lanes.TryAdmit("quick", Samples.Lease()));
        Assert.Equal(["quick"], Started(lanes));
    }

    [Fact]
    public void What_waits_can_be_taken_back_while_the_rest_ends()
    {
        var lanes = new DestinationLanes(maxRunning: 10, maxRunningPerLane: 1, maxWaitingPerLane: 5);
        Admit(lanes, "a", 3);
        Started(lanes);

        Assert.Equal(2, lanes.TakeWaiting().Count);
        lanes.End("a");

        Assert.Empty(Started(lanes));
        Assert.Equal((0, 0), (lanes.Running, lanes.Waiting));
    }

    static void Admit(DestinationLanes lanes, string destination, int leases)
    {
        for (var i = 0; i < leases; i++)
        {
            Assert.True(lanes.TryAdmit(destination, Samples.Lease()));
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
