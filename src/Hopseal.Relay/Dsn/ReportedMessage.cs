using Hopseal.Relay.Queue;
using Hopseal.Smtp.Mail;
using Hopseal.Smtp.Wire;

namespace Hopseal.Relay.Dsn;

/// <summary>The message that a report is about.</summary>
/// <param name="Envelope">Its recipients are not looked at.</param>
/// <param name="Size">Octets of content.</param>
/// <param name="GivesUpAt">Until then it is tried again.</param>
public sealed record ReportedMessage(QueueId Id, Envelope Envelope, DateTimeOffset ReceivedAt, long Size, DateTimeOffset GivesUpAt)
{
    public static ReportedMessage Of(QueueLease lease)
    {
        ArgumentNullException.ThrowIfNull(lease);
        return new ReportedMessage(lease.Id, lease.Pending, lease.ReceivedAt, lease.Size, lease.GivesUpAt);
    }
}

/// <summary>What a report says of one recipient.</summary>
/// <param name="Reason">For a person.</param>
/// <param name="Remote">Null when no other host had a say.</param>
/// <param name="Security">What transport security was missed, null when that was not the reason.</param>
/// <param name="LastAttempt">Null when it is not known.</param>
public sealed record ReportedRecipient(
    Recipient Recipient,
    EnhancedStatus Status,
    string Reason,
    RemoteWord? Remote = null,
    string? Security = null,
    DateTimeOffset? LastAttempt = null)
{
    /// <param name="outcome">A final one.</param>
    /// <param name="at">When that was attempted.</param>
    public static ReportedRecipient Of(Recipient recipient, RecipientOutcome outcome, DateTimeOffset? at) => outcome switch
    {
        RecipientOutcome.Bounced bounced => new ReportedRecipient(
            recipient, bounced.Status, bounced.Reason, bounced.Remote, bounced.Security?.ToString(), at),
        RecipientOutcome.Delivered delivered => new ReportedRecipient(
            recipient,
            (delivered.Reply.Status ?? new EnhancedStatus(2, 0, 0)) with { Class = 2 },
            delivered.Remote is { } remote ? $"{remote.Host} took it and said \"{delivered.Reply}\"" : "it is in the mailbox",
            delivered.Remote,
            LastAttempt: at),
        _ => throw new ArgumentException($"not final: {outcome}", nameof(outcome)),
    };
}
