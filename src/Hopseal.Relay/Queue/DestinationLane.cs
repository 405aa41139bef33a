namespace Hopseal.Relay.Queue;

/// <summary>What is under way to one destination. <see cref="DestinationLanes"/> keeps its sums over all of them, and changes it.</summary>
sealed class DestinationLane(string destination, DestinationHealth health)
{
    public string Destination { get; } = destination;

    public DestinationHealth Health { get; } = health;

    public Queue<QueueLease> Waiting { get; } = [];

    public int Reserved { get; set; }

    public int Running { get; set; }

    /// <summary>Attempts under way that take no place.</summary>
    public int Beside { get; set; }

    /// <summary>Which of the queues it stands in; it has left any other, wherever it still shows.</summary>
    public Queue<DestinationLane>? ReadyIn { get; set; }

    /// <summary>Somebody was refused since the store was last told of room.</summary>
    public bool IsRefused { get; set; }

    /// <summary>The round in which somebody was.</summary>
    public int RefusedIn { get; set; } = -2;

    public bool IsListed { get; set; }

    public int Held => Waiting.Count + Reserved;

    public bool IsIdle => Running == 0 && Beside == 0 && Held == 0;
}

/// <param name="MaxRunning">Attempts at once, over all lanes.</param>
/// <param name="MaxWaiting">Leases ready, over all lanes.</param>
/// <param name="MaxWaitingPerLane">Leases ready for one destination that answers.</param>
/// <param name="MaxRemembered">Destinations that something is known of while nothing is under way to them.</param>
sealed record LaneLimits(int MaxRunning, int MaxWaiting, int MaxWaitingPerLane, int MaxRemembered, HealthLimits Health);
