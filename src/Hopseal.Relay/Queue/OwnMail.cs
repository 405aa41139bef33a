using Hopseal.Smtp.Mail;

namespace Hopseal.Relay.Queue;

/// <summary>Mailboxes that the gateway reads itself, such as the one for TLS reports. Their mail is in the queue first, as any other: nothing is read in
/// a session.</summary>
public sealed record OwnMail
{
    public required Func<Mailbox, bool> IsRead { get; init; }

    /// <summary>Reads one message, once whatever the number of its recipients; it may be given the same one again.</summary>
    /// <returns><see cref="RecipientOutcome.Delivered"/> when what it says is kept, <see cref="RecipientOutcome.Deferred"/> when it cannot be read
    /// now.</returns>
    public required Func<QueueLease, Stream, CancellationToken, ValueTask<RecipientOutcome>> ReadAsync { get; init; }

    /// <summary>Where what it says is kept, for people.</summary>
    public required string Place { get; init; }

    /// <summary>Once it was read the mail is also delivered as the mail of its domain is.</summary>
    public bool AlsoDelivered { get; init; }
}
