using Hopseal.Smtp.Wire;

namespace Hopseal.Smtp.Client;

/// <summary>The session cannot go on. Never leaves this folder: it ends as <see cref="Clearance.Unavailable"/> or
/// <see cref="RecipientResult.Interrupted"/>.</summary>
#pragma warning disable CA1032, CA1064 // made here only, caught here only
sealed class SessionBrokenException(SessionFault fault, Exception? cause = null) : Exception(fault.Detail, cause)
#pragma warning restore CA1032, CA1064
{
    public SessionFault Fault { get; } = fault;

    /// <summary>The peer said no in a place where that ends the session.</summary>
    public static SessionBrokenException Refused(SmtpPhase phase, SmtpReply reply) =>
        new(new SessionFault(phase, FaultKind.Refused, reply, reply.ToString()));

    /// <summary>A reply whose code has no meaning at this place.</summary>
    public static SessionBrokenException Unexpected(SmtpPhase phase, SmtpReply reply) =>
        new(new SessionFault(phase, FaultKind.ProtocolError, reply, $"a reply that makes no sense here: {reply}"));
}
