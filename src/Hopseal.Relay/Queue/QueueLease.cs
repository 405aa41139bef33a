using Hopseal.Smtp.Mail;
using Hopseal.Smtp.Wire;

namespace Hopseal.Relay.Queue;

/// <summary>The right and the duty to attempt one message for one domain. The attempt is already written down.</summary>
/// <param name="Domain">The recipients' domain as <see cref="Mailbox"/> has it: lower case, or an address literal.</param>
/// <param name="Pending">The envelope with only those recipients of this domain that are not settled yet.</param>
/// <param name="AttemptNumber">1 for the first.</param>
/// <param name="Size">Octets of content.</param>
/// <param name="GivesUpAt">An attempt that fails at or after this time bounces.</param>
/// <param name="EarlierTlsFailure">A handshake failed in an earlier attempt: an opportunistic one may now go without
/// (RFC 7435 §3).</param>
public sealed record QueueLease(
    QueueId Id,
    string Domain,
    Envelope Pending,
    int AttemptNumber,
    DateTimeOffset ReceivedAt,
    long Size,
    DateTimeOffset GivesUpAt,
    bool EarlierTlsFailure)
{
    /// <summary>When the attempt had been due: a lease that is returned gets its place back.</summary>
    public DateTimeOffset DueAt { get; init; }

    /// <summary>The time is over while the destination may not be attempted: the lease is to be given up without an
    /// attempt.</summary>
    public bool Suspended { get; init; }
}

/// <summary>What one attempt did for one recipient.</summary>
public abstract record RecipientOutcome
{
    RecipientOutcome()
    {
    }

    public sealed record Delivered(SmtpReply Reply) : RecipientOutcome;

    public sealed record Deferred(EnhancedStatus Status, string Reason, RemoteWord? Remote = null) : RecipientOutcome;

    public sealed record Bounced(EnhancedStatus Status, string Reason, RemoteWord? Remote = null) : RecipientOutcome;
}

/// <summary>Who was asked, and what it said last: Remote-MTA and Diagnostic-Code of a delivery report (RFC 3464 §2.3.5,
/// §2.3.6).</summary>
/// <param name="Host">A name, or an address literal in brackets.</param>
public sealed record RemoteWord(string Host, SmtpReply? Reply);
