using Hopseal.Smtp.Wire;

namespace Hopseal.Smtp.Client;

/// <summary>What one transaction did for one recipient. Results of one DATA differ (RFC 5321 §4.1.1.3).</summary>
public abstract record RecipientResult
{
    RecipientResult()
    {
    }

    /// <summary>The next hop took responsibility with this reply to the content.</summary>
    /// <param name="Dsn">It offered DSN: what the sender wants to be told is its duty now (RFC 3461 §5.2.1).</param>
    public sealed record Accepted(SmtpReply Reply, bool Dsn = false) : RecipientResult;

    /// <summary>The peer said no, for this recipient or for the whole transaction.</summary>
    public sealed record Rejected(SmtpPhase Phase, SmtpReply Reply) : RecipientResult;

    /// <summary>The peer lacks an extension without which this message cannot be carried unchanged (8BITMIME, SMTPUTF8,
    /// BINARYMIME, REQUIRETLS) or its SIZE is too small, or the content breaks the rules of text (bare CR or LF, NUL). The peer did not get a
    /// whole message.</summary>
    public sealed record Unsupported(EnhancedStatus Status, string Reason) : RecipientResult;

    /// <summary>The session broke.</summary>
    /// <param name="MayBeDelivered">True when it broke after the final dot: the peer may have the message (RFC 5321 §6.1).</param>
    public sealed record Interrupted(SessionFault Fault, bool MayBeDelivered) : RecipientResult;
}
