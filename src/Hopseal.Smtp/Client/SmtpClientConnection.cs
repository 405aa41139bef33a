using System.Net;
using Hopseal.Smtp.Tls;

namespace Hopseal.Smtp.Client;

/// <summary>One outbound connection to one address.</summary>
public static class SmtpClientConnection
{
    /// <summary>Connect, greeting, EHLO, STARTTLS, handshake, verification, EHLO again, AUTH: the only way to a
    /// <see cref="TransactionChannel"/>. Throws only when <paramref name="cancel"/> is cancelled.</summary>
    public static ValueTask<Clearance> OpenAsync(IPEndPoint peer, TlsDemand demand, ClientOptions options, CancellationToken cancel) =>
        throw new NotImplementedException();
}
