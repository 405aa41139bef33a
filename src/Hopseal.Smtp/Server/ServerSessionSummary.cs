using System.Net;
using Hopseal.Smtp.Tls;
using Hopseal.Smtp.Wire;

namespace Hopseal.Smtp.Server;

/// <summary>Why a server session ended.</summary>
public enum SessionEnd
{
    Quit,

    /// <summary>FIN or close_notify without QUIT.</summary>
    ClientClosed,

    /// <summary>TCP reset or another transport error.</summary>
    ConnectionLost,

    /// <summary>A TLS connection that ended without close_notify.</summary>
    Truncated,

    TimedOut,
    TooManyErrors,
    TooManyAuthenticationFailures,
    HandshakeFailed,

    /// <summary>Plaintext arrived behind STARTTLS: an injection (RFC 3207 §4.2).</summary>
    InjectedPlaintext,

    /// <summary>A bare CR or LF in a command.</summary>
    BareLineBreak,

    /// <summary>An HTTP request, or a BDAT that does not say how much follows: nothing after it can be taken for a command.</summary>
    NotSmtp,

    /// <summary>Refused at once: too many connections, in total or of this client.</summary>
    TooManyConnections,

    /// <summary>More of a refused message than we were ready to read and drop.</summary>
    MessageTooLarge,

    /// <summary>The PROXY header was missing or broken.</summary>
    BadProxyHeader,

    ShuttingDown,

    /// <summary>A fault of ours, logged where it happened.</summary>
    InternalError,
}

/// <summary>One inbound session, from accept to close; written once.</summary>
/// <param name="Tls">What became of TLS; <see cref="TlsOutcome.Plaintext"/> when the client never asked.</param>
/// <param name="Accepted">Messages that got 250.</param>
/// <param name="RejectedRecipients">RCPTs that got 4xx or 5xx.</param>
/// <param name="RejectedMessages">Messages refused after their content.</param>
/// <param name="Detail">For people: the exception, the octets that were injected, …</param>
public sealed record ServerSessionSummary(
    string SessionId,
    string Listener,
    DateTimeOffset StartedAt,
    TimeSpan Elapsed,
    IPEndPoint Peer,
    IPEndPoint Local,
    string? Hello,
    string? User,
    TlsOutcome Tls,
    int Accepted,
    int RejectedRecipients,
    int RejectedMessages,
    int AuthenticationFailures,
    SessionEnd End,
    string? Detail,
    Transcript? Transcript)
{
    /// <summary>MAILs that the handler refused; <see cref="Detail"/> tells of the first.</summary>
    public int RejectedSenders { get; init; }
}
