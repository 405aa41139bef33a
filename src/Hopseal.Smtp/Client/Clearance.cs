using System.Net;
using Hopseal.Smtp.Tls;

namespace Hopseal.Smtp.Client;

/// <summary>The end of <see cref="SmtpClientConnection.OpenAsync"/>. Only <see cref="Granted"/> holds a channel, so no code path
/// can write MAIL FROM on a connection below its floor.</summary>
public abstract record Clearance
{
    Clearance()
    {
    }

    /// <summary>The address we connected from; null when there was no connection.</summary>
    public IPAddress? Local { get; init; }

    /// <summary>The floor is reached; the channel must be disposed.</summary>
    /// <param name="Tls">Encrypted or Plaintext, never Refused.</param>
    public sealed record Granted(TransactionChannel Channel, TlsOutcome Tls) : Clearance;

    /// <summary>The server answers, but not as securely as was demanded. The connection is closed.</summary>
    public sealed record Denied(TlsOutcome.Refused Tls) : Clearance;

    /// <summary>No session, for a reason that has nothing to do with the floor; or an attack. The connection is closed.</summary>
    /// <param name="Tls">How far TLS had come, null before it was decided.</param>
    public sealed record Unavailable(SessionFault Fault, TlsOutcome? Tls) : Clearance;
}
