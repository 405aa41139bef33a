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

/// <summary>The one monitoring event: written once per session, in either direction, and read by everything that tells. It
/// never holds content or passwords.</summary>
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

    /// <summary>We delivered, or tried to deliver, to someone.</summary>
    /// <param name="Plan">What was asked of the session.</param>
    /// <param name="Fault">Why it failed, null when it did not.</param>
    public sealed record Outbound(
        QueueId Message,
        string Domain,
        HostPlan Plan,
        SessionFault? Fault,
        int Delivered,
        int Deferred,
        int Bounced,
        Transcript? Transcript) : SessionRecord;
}

/// <summary>One attempt at one message for one domain: everything a DSN (RFC 3464), a TLS report and the dashboard say about it
/// is a view of this record.</summary>
public sealed record DeliveryAttempt(
    QueueLease Lease,
    DateTimeOffset StartedAt,
    DeliveryPlan Plan,
    ImmutableArray<SessionRecord.Outbound> Sessions,
    ImmutableArray<(Mailbox Recipient, RecipientOutcome Outcome)> Recipients);

/// <summary>Where finished records go. Seam: <c>SessionFanout</c> in production, a list in tests. Never blocks a session; a full
/// sink drops and counts.</summary>
public interface ISessionSink
{
    bool TryRecord(SessionRecord record);

    bool TryRecord(DeliveryAttempt attempt);
}
