using Hopseal.Smtp.Wire;

namespace Hopseal.Smtp.Server;

/// <summary>The session is over.</summary>
/// <param name="Farewell">The last reply; null where nobody is left to hear it, or nothing more may be said.</param>
/// <param name="Detail">For people.</param>
sealed record Ending(SessionEnd Reason, SmtpReply? Farewell = null, string? Detail = null)
{
    /// <summary>The client may still be sending. Closing a socket with unread input resets the connection, and the reset
    /// can overtake the farewell; so its input is read for a moment.</summary>
    public bool Lingers => Farewell is not null && Reason is not SessionEnd.Quit;
}

static class Endings
{
    public static Ending BareLineBreak { get; } = new(SessionEnd.BareLineBreak, ServerReplies.BareLineBreak);

    /// <summary>The client closed its side between two lines.</summary>
    public static Ending OfStream(SmtpStream stream) =>
        new(stream.End is StreamEnd.Truncated ? SessionEnd.Truncated : SessionEnd.ClientClosed);
}
