using Hopseal.Policy;
using Hopseal.Smtp.Client;
using Hopseal.Smtp.Mail;
using Hopseal.Smtp.Tls;

namespace Hopseal.Relay.Queue;

/// <summary>What an attempt says about its destination as such.</summary>
enum DestinationWord
{
    /// <summary>Nothing: it was broken off, or failed by a fault of ours.</summary>
    Nothing,

    /// <summary>It took the message or talked about it: other messages may fare better or worse.</summary>
    Answered,

    /// <summary>It did not come so far: other messages would fare the same.</summary>
    Failed,
}

static class DestinationWords
{
    /// <param name="particular">There are rules for its sender.</param>
    public static DestinationWord Of(DeliveryAttempt attempt, bool particular) => attempt switch
    {
        // No host may be given this message now (RFC 8689 §4.2.1); others may.
        { Plan: DeliveryPlan.Defer, Lease.Pending: { Tls: MessageTls.Required, ReturnPath: not null } } => DestinationWord.Nothing,
        { Plan: DeliveryPlan.Defer } => DestinationWord.Failed,
        _ when (particular || attempt.Lease.Pending.Tls is not MessageTls.Unspecified) && MissedItsDemand(attempt) => DestinationWord.Nothing,
        { Plan: not DeliveryPlan.Relay } => attempt.Recipients.All(Deferred) ? DestinationWord.Nothing : DestinationWord.Answered,

        // A failed handshake where plaintext is allowed: each message has its own next attempt without (RFC 7435 §3).
        { TlsFailed: true } => DestinationWord.Answered,
        _ when !attempt.Recipients.All(Deferred) || attempt.Sessions.Any(Reached) => DestinationWord.Answered,
        { Sessions.IsEmpty: false } => DestinationWord.Failed,
        { Plan: DeliveryPlan.Relay relay } when relay.Hosts.All(host => host.Host.Addresses.IsEmpty) => DestinationWord.Failed,
        _ => DestinationWord.Nothing,
    };

    /// <summary>It failed by what was demanded. Where its sender has a say in that, by RFC 8689 or because there are rules for him, one message
    /// that nobody can take as it wants must not hold up those that anybody can.</summary>
    static bool MissedItsDemand(DeliveryAttempt attempt) =>
        attempt.Plan is DeliveryPlan.Bounce
        || attempt.Sessions.Any(session => session.Tls is TlsOutcome.Refused) && !attempt.Sessions.Any(Reached);

    /// <summary>The session came so far that it spoke of mail. One that was kept and is refused its next transaction says nothing: the
    /// host may have gone since.</summary>
    static bool Reached(SessionUse session) => session.Fault is null
        ? session.Tls is not (null or TlsOutcome.Refused)
        : session.Fault.Phase > SmtpPhase.MailFrom || session.Fault.Phase == SmtpPhase.MailFrom && session.Earlier == 0;

    static bool Deferred((Recipient Recipient, RecipientOutcome Outcome) recipient) => recipient.Outcome is RecipientOutcome.Deferred;
}
