using System.Collections.Immutable;
using Hopseal.Smtp.Mail;
using Hopseal.Smtp.Tls;
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

    /// <param name="To">Who reports the success to a sender who asked for that.</param>
    /// <param name="Remote">Null when the message stays on this machine.</param>
    public sealed record Delivered(
        SmtpReply Reply, DeliveredTo To = DeliveredTo.ReportingHost, RemoteWord? Remote = null) : RecipientOutcome;

    /// <param name="Security">The floor that was missed, if that was the reason.</param>
    public sealed record Deferred(
        EnhancedStatus Status, string Reason, RemoteWord? Remote = null, MissedFloor? Security = null) : RecipientOutcome;

    /// <param name="Security">The floor that was missed, if that was the reason.</param>
    public sealed record Bounced(
        EnhancedStatus Status, string Reason, RemoteWord? Remote = null, MissedFloor? Security = null) : RecipientOutcome;
}

/// <summary>Who has the message now, and with it the duty to report success (RFC 3461 §5.2).</summary>
public enum DeliveredTo
{
    /// <summary>A host that offered DSN: the duty is its own (§5.2.1).</summary>
    ReportingHost,

    /// <summary>A host that did not: we say that the message was relayed (§5.2.2).</summary>
    SilentHost,

    /// <summary>The recipient's mailbox on this machine (§5.2.3).</summary>
    Mailbox,
}

/// <summary>A security floor that was missed.</summary>
/// <param name="Required">By the plan.</param>
/// <param name="Source">Who required it, for a person.</param>
/// <param name="Reached">What the connection could have had.</param>
/// <param name="Failures">Why not more.</param>
public sealed record MissedFloor(SecurityFloor Required, string Source, SecurityFloor Reached, ImmutableArray<TlsResultType> Failures)
{
    /// <summary>As reports write it: <c>required=authenticated; reached=encrypted; failure=certificate-expired; source=…</c>, with the
    /// failures by their names of RFC 8460 §4.3.</summary>
    public override string ToString() =>
        $"required={Name(Required)}; reached={Name(Reached)}; "
        + $"failure={string.Join(',', Failures.Distinct().Select(failure => failure.ToWire()))}; source={Source}";

    static string Name(SecurityFloor floor) => floor switch
    {
        SecurityFloor.Plaintext => "plaintext",
        SecurityFloor.Encrypted => "encrypted",
        SecurityFloor.Authenticated => "authenticated",
    };
}

/// <summary>Who was asked, and what it said last: Remote-MTA and Diagnostic-Code of a delivery report (RFC 3464 §2.3.5,
/// §2.3.6).</summary>
/// <param name="Host">A name, or an address literal in brackets.</param>
public sealed record RemoteWord(string Host, SmtpReply? Reply);
