using System.Collections.Immutable;
using System.Net;
using Hopseal.Policy;
using Hopseal.Relay.Queue;
using Hopseal.Smtp.Client;
using Hopseal.Smtp.Mail;
using Hopseal.Smtp.Server;
using Hopseal.Smtp.Tls;
using Hopseal.Smtp.Wire;

namespace Hopseal.Relay;

/// <summary>Step 11: record. The one monitoring event: written once per session, in either direction, and read by
/// everything that tells. It never holds content or passwords.</summary>
public abstract record SessionRecord
{
    SessionRecord()
    {
    }

    public required string SessionId { get; init; }

    public required DateTimeOffset StartedAt { get; init; }

    public required TimeSpan Elapsed { get; init; }

    public required IPEndPoint Peer { get; init; }

    /// <summary>Null when the session ended before TLS was decided.</summary>
    public required TlsOutcome? Tls { get; init; }

    /// <summary>Someone delivered, or tried to deliver, to us.</summary>
    public sealed record Inbound(ServerSessionSummary Summary) : SessionRecord;

    /// <summary>We delivered, or tried to deliver, to someone: one message, or several that asked for the same.</summary>
    /// <param name="Message">The message it was opened for.</param>
    /// <param name="Domain">The recipient domain it was opened for.</param>
    /// <param name="Plan">What was asked of the session.</param>
    /// <param name="Start">How it was to become TLS. <see cref="TlsStart.None"/>: the plaintext session that follows a failed
    /// handshake (RFC 7435 §3); the handshake itself has a record of its own.</param>
    /// <param name="Fault">Why it failed, null when it did not.</param>
    /// <param name="Attempts">Attempts that used it; at least 1.</param>
    /// <param name="Transactions">How many of RFC 5321 §3.3 were begun in it.</param>
    /// <param name="Delivered">Recipients the peer took responsibility for.</param>
    /// <param name="Deferred">Recipients this session leaves to another session or another attempt.</param>
    /// <param name="Bounced">Recipients the peer refused for good.</param>
    /// <param name="MayBeDelivered">Of the deferred ones, those for whom it broke after the final dot: they may get the
    /// message twice (RFC 5321 §6.1).</param>
    public sealed record Outbound(
        QueueId Message,
        string Domain,
        HostPlan Plan,
        TlsStart Start,
        SessionFault? Fault,
        int Attempts,
        int Transactions,
        int Delivered,
        int Deferred,
        int Bounced,
        int MayBeDelivered,
        Transcript? Transcript) : SessionRecord
    {
        /// <summary>The address we connected from; null when there was no connection.</summary>
        public IPAddress? Local { get; init; }
    }
}

/// <summary>What one attempt did with one session. The session may have served others before, and may go on after it; its
/// <see cref="SessionRecord.Outbound"/> comes when it is closed.</summary>
/// <param name="Plan">What this attempt asked of the session.</param>
/// <param name="Tls">What the session had reached; null when it ended before that was decided.</param>
/// <param name="Fault">Why it failed this attempt, null when it did not.</param>
/// <param name="Earlier">Transactions of other attempts in the same session before; 0 for one that was opened for this attempt.</param>
/// <param name="Delivered">As in <see cref="SessionRecord.Outbound"/>, and so the other numbers, for this attempt alone.</param>
/// <param name="Transcript">Of the session, from its beginning.</param>
public sealed record SessionUse(
    string SessionId,
    HostPlan Plan,
    IPEndPoint Peer,
    TlsStart Start,
    TlsOutcome? Tls,
    SessionFault? Fault,
    int Earlier,
    int Transactions,
    int Delivered,
    int Deferred,
    int Bounced,
    int MayBeDelivered,
    Transcript? Transcript)
{
    /// <summary>Whether MAIL said REQUIRETLS, for a message whose sender did; null for any other message. False where a rule of the operator's
    /// let an authenticated host do, and for reports.</summary>
    public bool? RequireTlsSaid { get; init; }

    /// <summary>The recipients behind <see cref="Delivered"/>, by their places in the lease.</summary>
    public ImmutableArray<int> DeliveredPlaces { get; init; } = [];

    /// <summary>The same behind <see cref="Bounced"/>.</summary>
    public ImmutableArray<int> BouncedPlaces { get; init; } = [];
}

/// <summary>One attempt at one message for one domain: everything a DSN (RFC 3464), a TLS report and the dashboard say about it
/// is a view of this record.</summary>
/// <param name="Sessions">In their order; empty when the plan was not to relay, or no connection was tried.</param>
/// <param name="Recipients">Those of the lease, in its order.</param>
/// <param name="TlsFailed">A handshake failed where the floor would have allowed plaintext.</param>
/// <param name="RetryAt">When the deferred recipients are tried again; null when there are none, or when the store decides.</param>
public sealed record DeliveryAttempt(
    QueueLease Lease,
    DateTimeOffset StartedAt,
    TimeSpan Elapsed,
    DeliveryPlan Plan,
    ImmutableArray<SessionUse> Sessions,
    ImmutableArray<(Recipient Recipient, RecipientOutcome Outcome)> Recipients,
    bool TlsFailed,
    DateTimeOffset? RetryAt = null);

/// <summary>One message that was taken, told when its 250 is due: it is on stable storage. Its session goes on.</summary>
/// <param name="Session">As it stood when the content came.</param>
/// <param name="Size">Octets, with our Received field.</param>
public sealed record AcceptedMessage(QueueId Id, DateTimeOffset AcceptedAt, SessionContext Session, Envelope Envelope, long Size);

/// <summary>Where finished records go. Seam: <c>SessionFanout</c> in production, a list in tests. Never blocks a session; a full
/// sink drops and counts.</summary>
public interface ISessionSink
{
    bool TryRecord(SessionRecord record);

    bool TryRecord(DeliveryAttempt attempt);

    /// <summary>Whether it is told of each message that comes in, which few readers care for. Never changes.</summary>
    bool ReadsMessages => false;

    /// <summary>Not called where <see cref="ReadsMessages"/> is false.</summary>
    bool TryRecord(AcceptedMessage message) => true;

    /// <summary>Told to a reader of a fan-out: so many records did not reach it.</summary>
    void Missed(long records)
    {
    }
}
