using System.Diagnostics.CodeAnalysis;

namespace Hopseal.Relay.Queue;

/// <summary>Which lease runs next. Each destination has a lane: so many leases run at once, so many more wait. Lanes
/// take turns, so that a full one delays itself only. Not for several threads.</summary>
/// <param name="maxRunning">Over all lanes.</param>
/// <param name="maxRunningPerLane">At least 1.</param>
/// <param name="maxWaitingPerLane">At least 1.</param>
sealed class DestinationLanes(int maxRunning, int maxRunningPerLane, int maxWaitingPerLane)
{
    readonly Dictionary<string, Lane> _lanes = new(StringComparer.Ordinal);

    /// <summary>Lanes that have somebody waiting and a place free, each once.</summary>
    readonly Queue<Lane> _ready = [];

    public int Running { get; private set; }

    public int Waiting { get; private set; }

    /// <summary>False when the lane is full.</summary>
    public bool TryAdmit(string destination, QueueLease lease)
    {
        if (!_lanes.TryGetValue(destination, out var lane))
        {
            _lanes.Add(destination, lane = new Lane(destination));
        }

        if (lane.Waiting.Count >= maxWaitingPerLane)
        {
            return false;
        }

        lane.Waiting.Enqueue(lease);
        Waiting++;
        MakeReady(lane);
        return true;
    }

    /// <summary>Takes the next lease that may run; <see cref="End"/> must follow.</summary>
    public bool TryStart([NotNullWhen(true)] out string? destination, [NotNullWhen(true)] out QueueLease? lease)
    {
        if (Running >= maxRunning || !_ready.TryDequeue(out var lane))
        {
            destination = null;
            lease = null;
            return false;
        }

        lane.IsReady = false;
        lane.Running++;
        Running++;
        Waiting--;
        destination = lane.Destination;
        lease = lane.Waiting.Dequeue();
        MakeReady(lane);
        return true;
    }

    public void End(string destination)
    {
        var lane = _lanes[destination];
        lane.Running--;
        Running--;
        MakeReady(lane);
        if (lane is { Running: 0, Waiting.Count: 0 })
        {
            _lanes.Remove(destination);
        }
    }

    /// <summary>Takes everything that waits; what runs goes on.</summary>
    public List<QueueLease> TakeWaiting()
    {
        List<QueueLease> waiting = [.. _lanes.Values.SelectMany(lane => lane.Waiting)];
        foreach (var lane in _lanes.Values)
        {
            lane.Waiting.Clear();
            lane.IsReady = false;
        }

        _ready.Clear();
        Waiting = 0;
        return waiting;
    }

    void MakeReady(Lane lane)
    {
        if (!lane.IsReady && lane.Waiting.Count > 0 && lane.Running < maxRunningPerLane)
        {
            lane.IsReady = true;
            _ready.Enqueue(lane);
        }
    }

    sealed class Lane(string destination)
    {
        public string Destination { get; } = destination;

        public Queue<QueueLease> Waiting { get; } = [];

        public int Running { get; set; }

        public bool IsReady { get; set; }
    }
}
