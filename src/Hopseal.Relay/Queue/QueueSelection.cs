using System.Collections.Immutable;

namespace Hopseal.Relay.Queue;

/// <summary>Which entries are meant: those that meet everything that is said here.</summary>
public sealed record QueueSelection
{
    /// <summary>Messages; empty: any.</summary>
    public ImmutableArray<QueueId> Ids { get; init; } = [];

    /// <summary>A recipient domain as <see cref="QueueLease.Domain"/> has it, or <c>*.</c> and a domain for every domain below it.</summary>
    public string? Domain { get; init; }

    /// <summary>A whole address, <c>@</c> and a domain for every sender there, or the empty text for the null sender. Case does not
    /// count.</summary>
    public string? Sender { get; init; }

    public DateTimeOffset? ReceivedBefore { get; init; }

    public DateTimeOffset? ReceivedAfter { get; init; }

    public EntryState? State { get; init; }
}

/// <summary>Where an entry stands.</summary>
public enum EntryState
{
    /// <summary>For its first attempt.</summary>
    Waiting,

    /// <summary>For another attempt.</summary>
    Deferred,

    /// <summary>An operator keeps it back: it is never attempted, never given up and never reported as delayed.</summary>
    Held,

    /// <summary>It is leased: its attempt is under way, or about to begin.</summary>
    Attempting,
}

/// <summary>A place in the order of arrival.</summary>
/// <param name="Message">The store's number of the message.</param>
public readonly record struct QueuePosition(long Message, string Domain)
{
    public static QueuePosition Start { get; } = new(long.MinValue, "");
}

/// <param name="Next">Where the next page begins; null when there is no more.</param>
public sealed record QueuePage(ImmutableArray<QueueEntry> Entries, QueuePosition? Next);
