using System.Collections.Immutable;
using Hopseal.Smtp.Mail;

namespace Hopseal.Relay.Queue;

/// <summary>One message for one domain, as a person sees it who looks at the queue.</summary>
/// <param name="Held">Also while an attempt is under way: then it takes effect when that ends.</param>
/// <param name="Size">Octets of content.</param>
/// <param name="Sender">Null for the null sender.</param>
/// <param name="Recipients">Those that are pending.</param>
/// <param name="Attempts">Begun so far.</param>
/// <param name="NextAttemptAt">At the earliest; null while it is held or attempted.</param>
/// <param name="Status">Of the last attempt, null before the first one ended.</param>
/// <param name="Reason">Of the last attempt; it quotes the peer.</param>
public sealed record QueueEntry(
    QueueId Id,
    string Domain,
    EntryState State,
    bool Held,
    DateTimeOffset ReceivedAt,
    long Size,
    string? Sender,
    int Recipients,
    int Attempts,
    DateTimeOffset? NextAttemptAt,
    string? Status,
    string? Reason)
{
    public EntryKey Key => new(Id, Domain);
}

/// <summary>What an entry is known by.</summary>
public readonly record struct EntryKey(QueueId Id, string Domain);

/// <summary>A message with all of its recipients, those that are settled among them.</summary>
public sealed record QueuedMessage(
    QueueId Id,
    DateTimeOffset ReceivedAt,
    long Size,
    string? Sender,
    BodyType Body,
    bool SmtpUtf8,
    string? EnvelopeId,
    MessageTls Tls,
    ImmutableArray<QueueEntry> Entries,
    ImmutableArray<QueuedRecipient> Recipients);

/// <param name="Status">Of the last attempt, null before the first one ended.</param>
/// <param name="Reason">Of the last attempt; it quotes the peer.</param>
public sealed record QueuedRecipient(string Address, string Domain, RecipientState State, string? Status, string? Reason);

public enum RecipientState
{
    Pending,
    Delivered,
    Bounced,

    /// <summary>By an operator, without a word to the sender.</summary>
    Deleted,
}
