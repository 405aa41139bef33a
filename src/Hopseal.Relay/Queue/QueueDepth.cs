namespace Hopseal.Relay.Queue;

/// <summary>How much is in the queue.</summary>
/// <param name="Entries">One for each message and recipient domain.</param>
/// <param name="Held">Of them, those that an operator keeps back.</param>
/// <param name="OldestReceivedAt">Null when the queue is empty.</param>
public sealed record QueueDepth(long Messages, long Entries, long Held, DateTimeOffset? OldestReceivedAt);
