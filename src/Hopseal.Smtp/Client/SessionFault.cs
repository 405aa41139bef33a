using Hopseal.Smtp.Wire;

namespace Hopseal.Smtp.Client;

/// <summary>The stages of an outbound session, in their order.</summary>
public enum SmtpPhase
{
    Connect,
    Greeting,
    Hello,
    StartTls,
    Handshake,
    HelloAfterTls,
    Authentication,
    MailFrom,
    RcptTo,
    Data,
    Content,
    EndOfData,
}

public enum FaultKind
{
    /// <summary>The peer answered 4xx or 5xx; the reply says why.</summary>
    Refused,

    /// <summary>No TCP connection.</summary>
    Unreachable,

    TimedOut,

    /// <summary>The connection ended or broke.</summary>
    ConnectionLost,

    /// <summary>What the peer sent is no SMTP reply, is unbounded, or has the wrong code for its place.</summary>
    ProtocolError,

    /// <summary>Bytes were buffered behind the 220 to STARTTLS: response injection (RFC 3207 §6).</summary>
    InjectedPlaintext,
}

/// <summary>Why a session, not a single recipient, failed.</summary>
/// <param name="Reply">The peer's last word, where there was one.</param>
/// <param name="Detail">For people.</param>
public sealed record SessionFault(SmtpPhase Phase, FaultKind Kind, SmtpReply? Reply, string Detail);
