using Hopseal.Policy;

namespace Hopseal.Relay.Queue;

/// <summary>How much is attempted at once.</summary>
public sealed record QueueRunnerOptions
{
    /// <summary>Decides how mail for a recipient domain travels; <see cref="DeliveryPlanner"/> in production.</summary>
    public required Func<string, CancellationToken, ValueTask<DeliveryPlan>> Plan { get; init; }

    /// <summary>The same schedule as the queue's.</summary>
    public required RetrySchedule Schedule { get; init; }

    public TimeProvider Clock { get; init; } = TimeProvider.System;

    /// <summary>Attempts under way, over all destinations; at least 1.</summary>
    public int MaxAttempts { get; init; } = 200;

    /// <summary>Attempts under way, and so connections open, to one destination; at least 1.</summary>
    public int MaxAttemptsPerDestination { get; init; } = 10;

    /// <summary>Leases held ready, over all destinations. While there are so many, no more are taken.</summary>
    public int MaxWaiting { get; init; } = 2000;

    /// <summary>Leases held ready for one destination. What is above goes back to the queue for
    /// <see cref="CongestionDelay"/>, so that others get their turn.</summary>
    public int MaxWaitingPerDestination { get; init; } = 100;

    public TimeSpan CongestionDelay { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>What shares a limit, as far as it is known without DNS: all domains that go to one smart host are one
    /// destination. Unless given, each recipient domain is its own.</summary>
    public Func<string, string> DestinationOf { get; init; } = static domain => domain;

    /// <summary>How long attempts under way may go on when the gateway stops; then they are broken off.</summary>
    public TimeSpan StopTimeout { get; init; } = TimeSpan.FromSeconds(20);

    /// <summary>How long after that a failing store is given to write down what became of them.</summary>
    public TimeSpan SettleTimeout { get; init; } = TimeSpan.FromSeconds(5);
}
