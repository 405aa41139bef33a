using System.Collections.Immutable;
using Hopseal.Smtp.Mail;

namespace Hopseal.Relay.Queue;

/// <summary>Stable storage for the queue. Seam: SQLite in production; in tests, a store that fails on demand.</summary>
public interface IQueueStore : IAsyncDisposable
{
    /// <summary>Completes once the entry and its content would survive a power cut. One entry per recipient domain is due
    /// at once.</summary>
    /// <param name="terms">With terms, entries that <see cref="LeaseTerms.Taker"/> has a place for are leased in the same
    /// transaction.</param>
    /// <returns>Those leases.</returns>
    ValueTask<ImmutableArray<QueueLease>> AddAsync(StoredMessage message, LeaseTerms? terms, CancellationToken cancel);

    /// <summary>Leases up to <paramref name="limit"/> entries that are due and that the taker has a place for: domains in turn,
    /// within a domain the longest due first; and entries whose time is over, wherever they wait. For each, the attempt
    /// is written down, together with the time of the next one, before this completes. After a crash, what was leased falls due
    /// again soon.</summary>
    ValueTask<LeaseScan> LeaseDueAsync(LeaseTerms terms, int limit, CancellationToken cancel);

    /// <summary>Gives leases back that were not attempted, so that they are due when they had been.</summary>
    ValueTask ReturnAsync(ImmutableArray<QueueLease> leases, CancellationToken cancel);

    /// <summary>The content as it was received, from its first octet; the caller disposes it.</summary>
    ValueTask<Stream> OpenContentAsync(QueueId id, CancellationToken cancel);

    /// <summary>Writes down what became of each recipient of a lease; atomic. The message goes when no recipient of it is
    /// pending. <paramref name="reports"/> (bounces) are added in the same transaction.</summary>
    ValueTask SettleAsync(QueueLease lease, Settlement settlement, ImmutableArray<StoredMessage> reports, CancellationToken cancel);

    /// <summary>Looks for entries received before <paramref name="receivedBefore"/> that wait and whose delay is not reported yet, in the order in
    /// which they came in, from behind <paramref name="after"/> on. One look takes a bounded time, whatever the backlog.</summary>
    ValueTask<DelayScan> FindDelayedAsync(DateTimeOffset receivedBefore, DelayCursor? after, CancellationToken cancel);

    /// <summary>Writes down that the delay of an entry is reported, and adds the report if there is one; atomic. False, and nothing is
    /// written, when the entry is not as it was found.</summary>
    ValueTask<bool> WarnAsync(DelayedEntry entry, StoredMessage? report, CancellationToken cancel);

    /// <summary>Messages in the queue.</summary>
    ValueTask<long> CountAsync(CancellationToken cancel);
}

/// <summary>A message about to be kept.</summary>
/// <param name="Content">The whole content when it is small, else empty.</param>
/// <param name="ContentFile">The flushed file that holds it when it is large, in the store's spool.</param>
public sealed record StoredMessage(
    QueueId Id,
    DateTimeOffset ReceivedAt,
    Envelope Envelope,
    long Size,
    ReadOnlyMemory<byte> Content,
    string? ContentFile);

/// <summary>On what terms entries are leased.</summary>
public sealed record LeaseTerms(DateTimeOffset Now, RetrySchedule Schedule, ILeaseTaker Taker);

/// <summary>What one look for due entries found.</summary>
/// <param name="More">The look was bounded and ended early: the next one goes on where it stopped.</param>
/// <param name="NextDue">When something falls due that is not yet; null when nothing does. What is due and had to wait for a
/// place is not in it: its taker knows when there is one.</param>
public sealed record LeaseScan(ImmutableArray<QueueLease> Leases, bool More, DateTimeOffset? NextDue);

/// <param name="Outcomes">One per recipient of the lease, in its order.</param>
/// <param name="RetryAt">For the deferred ones; null keeps what the lease wrote down.</param>
/// <param name="TlsFailed">This attempt met a handshake that failed.</param>
public sealed record Settlement(ImmutableArray<RecipientOutcome> Outcomes, DateTimeOffset? RetryAt, bool TlsFailed);

/// <summary>When to try again, and when to give up (RFC 5321 §4.5.4.1).</summary>
/// <param name="Delays">After the first attempt, the second, …; the last one repeats. At least one.</param>
public sealed record RetrySchedule(ImmutableArray<TimeSpan> Delays, TimeSpan GiveUpAfter)
{
    /// <param name="attempts">How many have been made, at least 1.</param>
    public TimeSpan DelayAfter(int attempts) => Delays[Math.Clamp(attempts, 1, Delays.Length) - 1];
}
