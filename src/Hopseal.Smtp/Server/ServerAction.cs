using Hopseal.Smtp.Mail;
using Hopseal.Smtp.Wire;

namespace Hopseal.Smtp.Server;

/// <summary>What the session has to do after one command, decided without any I/O.</summary>
public abstract record ServerAction
{
    ServerAction()
    {
    }

    /// <summary>A reply with 5xx counts as an error of the client's.</summary>
    public sealed record Say(SmtpReply Reply) : ServerAction;

    /// <summary>Handshake after the 220, provided that nothing came behind STARTTLS.</summary>
    public sealed record Upgrade(SmtpReply Go) : ServerAction;

    public sealed record Authenticate(ServerState.Ready Session, string Mechanism, ReadOnlyMemory<byte>? InitialResponse) : ServerAction;

    /// <summary>Let the handler decide; if it refuses, there is no transaction.</summary>
    public sealed record AskSender(ServerState.InTransaction Transaction) : ServerAction;

    /// <summary>Let the handler decide; only if it accepts does the recipient join the transaction.</summary>
    public sealed record AskRecipient(ServerState.InTransaction Transaction, Recipient Recipient) : ServerAction;

    /// <summary>354, then everything up to CRLF.CRLF.</summary>
    public sealed record ReceiveData(ServerState.Ready Session, Envelope Envelope) : ServerAction;

    /// <summary>The octets that follow the command line are content.</summary>
    /// <param name="First">No chunk of this message came before.</param>
    public sealed record ReceiveChunk(ServerState.Ready Session, Envelope Envelope, bool First, long Size, bool Last) : ServerAction;

    /// <summary>The octets that follow the command line are read, dropped, and then refused: taking them for commands would
    /// let the author of a message speak for its sender.</summary>
    public sealed record DropChunk(long Size, SmtpReply Refusal) : ServerAction;

    public sealed record Close(SmtpReply Farewell, SessionEnd End, string? Detail = null) : ServerAction;
}
