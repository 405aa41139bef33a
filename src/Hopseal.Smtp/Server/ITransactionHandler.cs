using System.Net;
using Hopseal.Smtp.Mail;
using Hopseal.Smtp.Tls;
using Hopseal.Smtp.Wire;

namespace Hopseal.Smtp.Server;

/// <summary>Where a transaction goes. Seam: the queue in production, a counter in <c>hopseal sink</c>, a list in tests.</summary>
public interface ITransactionHandler
{
    /// <summary>Decides on MAIL, once the protocol has nothing against it: null takes the sender. Does not wait.</summary>
    /// <param name="sender">Null for the null sender.</param>
    SmtpReply? RefusalOf(SessionContext session, Mailbox? sender) => null;

    /// <summary>Decides on one RCPT. A 2xx accepts; the recipient is not yet in <paramref name="soFar"/>.</summary>
    ValueTask<SmtpReply> RecipientAsync(SessionContext session, Envelope soFar, Mailbox recipient, CancellationToken cancel);

    /// <summary>Opens the place for one message's content; called once per DATA, or at the first BDAT.</summary>
    IMessageWriter BeginMessage(SessionContext session, Envelope envelope);
}

/// <summary>Receives the content of one message piece by piece, with dot-stuffing and chunking removed. Disposing it without
/// a commit discards the message.</summary>
public interface IMessageWriter : IAsyncDisposable
{
    /// <summary>Memory is bounded here: what does not fit goes to disk. <paramref name="content"/> is valid during the call.</summary>
    ValueTask WriteAsync(ReadOnlyMemory<byte> content, CancellationToken cancel);

    /// <summary>The message is whole. A 2xx here is a promise (RFC 5321 §6.1): it may be returned only once the message would
    /// survive a power cut.</summary>
    ValueTask<SmtpReply> CommitAsync(CancellationToken cancel);
}

/// <summary>Who a server session talks to, as it stands at the moment of the call.</summary>
/// <param name="Peer">The client; behind a PROXY header, the client that the header names.</param>
/// <param name="Hello">The argument of EHLO or HELO.</param>
/// <param name="Tls">Null on a plaintext connection.</param>
/// <param name="User">The authenticated user, or null.</param>
public sealed record SessionContext(
    string SessionId,
    string Listener,
    IPEndPoint Peer,
    IPEndPoint Local,
    string Hello,
    bool Extended,
    TlsOutcome.Encrypted? Tls,
    string? User);
