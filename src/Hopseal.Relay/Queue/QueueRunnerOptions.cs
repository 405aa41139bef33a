using Hopseal.Policy;
using Hopseal.Smtp.Mail;

namespace Hopseal.Relay.Queue;

/// <summary>How much is attempted at once, and how soon again.</summary>
public sealed record QueueRunnerOptions
{
    /// <summary>Decides how the mail of a lease travels; <see cref="DeliveryPlanner"/> in production.</summary>
    public required Func<QueueLease, CancellationToken, ValueTask<DeliveryPlan>> Plan { get; init; }

    /// <summary>Null: everything is delivered.</summary>
    public OwnMail? OwnMail { get; init; }

    /// <summary>The same schedule as the queue's.</summary>
    public required RetrySchedule Schedule { get; init; }

    public TimeProvider Clock { get; init; } = TimeProvider.System;

    /// <summary>Attempts under way, over all destinations; at least 1. Those that have not answered yet never have more than half
    /// of it. One that waits for such a destination longer than a few seconds counts no more; there are at most four times as many of
    /// these.</summary>
    public int MaxAttempts { get; init; } = 200;

    /// <summary>Attempts under way, and so connections open, to one destination; at least 1. It begins with two, and gets one more
    /// with every attempt that gets through.</summary>
    public int MaxAttemptsPerDestination { get; init; } = 10;

    /// <summary>Leases held ready, over all destinations; at least 1. While there are so many, no more are taken.</summary>
    public int MaxWaiting { get; init; } = 2000;

    /// <summary>Leases held ready for one destination that answers; at least 1. What is above stays in the store.</summary>
    public int MaxWaitingPerDestination { get; init; } = 100;

    /// <summary>Destinations remembered for having answered or not while nothing is under way to them.</summary>
    public int MaxRemembered { get; init; } = 10_000;

    /// <summary>How long a destination is left alone after an attempt that came to nothing (no session, no route, not as secure as
    /// demanded), while no other got through. Doubled each time, up to <see cref="LongestBackOff"/>. Never longer than the
    /// schedule's own delays.</summary>
    public TimeSpan FirstBackOff { get; init; } = TimeSpan.FromMinutes(1);

    public TimeSpan LongestBackOff { get; init; } = TimeSpan.FromMinutes(30);

    /// <summary>What shares a limit, as far as it is known without DNS: all domains that go to one smart host are one
    /// destination. Unless given, each recipient domain is its own.</summary>
    public Func<string, string> DestinationOf { get; init; } = static domain => domain;

    /// <summary>Whether there are demands for the mail of this sender alone. What they make fail says nothing of the destination.</summary>
    public Func<Mailbox?, bool> IsParticular { get; init; } = static _ => false;

    /// <summary>How long attempts under way may go on when the gateway stops; then they are broken off.</summary>
    public TimeSpan StopTimeout { get; init; } = TimeSpan.FromSeconds(20);

    /// <summary>How long after that a failing store is given to write down what became of them.</summary>
    public TimeSpan SettleTimeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>How long after that a store or an attempt is waited for that answers nothing at all, as with a disk that hangs;
    /// <see cref="Timeout.InfiniteTimeSpan"/> waits for ever.</summary>
    public TimeSpan LastTimeout { get; init; } = TimeSpan.FromSeconds(5);

    internal LaneLimits Lanes => new(
        MaxAttempts,
        MaxWaiting,
        MaxWaitingPerDestination,
        MaxRemembered,
        new HealthLimits(MaxAttemptsPerDestination, Shorter(FirstBackOff, Schedule.Delays[0]), Shorter(LongestBackOff, Schedule.Delays.Max())));

    static TimeSpan Shorter(TimeSpan one, TimeSpan other) => one < other ? one : other;
}
