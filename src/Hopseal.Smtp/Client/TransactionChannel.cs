using System.Collections.Immutable;
using Hopseal.Smtp.Mail;
using Hopseal.Smtp.Wire;

namespace Hopseal.Smtp.Client;

/// <summary>A connection cleared for mail; one transaction at a time (RFC 5321 §3.3, pipelined per RFC 2920).</summary>
public sealed class TransactionChannel : IAsyncDisposable
{
    TransactionChannel()
    {
    }

    /// <summary>From the last EHLO, inside TLS where there is TLS.</summary>
    public EhloCapabilities Capabilities => throw new NotImplementedException();

    /// <summary>False once the session broke or the peer said 421: no further transaction is possible.</summary>
    public bool Usable => throw new NotImplementedException();

    /// <summary>Sends one message. One result per recipient of the envelope, in order. Throws only when cancelled, or when
    /// reading <paramref name="content"/> fails; both end the session without a final dot.</summary>
    /// <param name="content">Octets with CRLF line ends, no dot-stuffing; read from its position to its end.</param>
    /// <param name="size">Octets in <paramref name="content"/>.</param>
    public ValueTask<ImmutableArray<RecipientResult>> SendAsync(Envelope envelope, Stream content, long size, CancellationToken cancel) =>
        throw new NotImplementedException();

    /// <summary>QUIT, close_notify, FIN; never waits long and never throws.</summary>
    public ValueTask DisposeAsync() => throw new NotImplementedException();
}
