using Hopseal.Dns;
using Hopseal.Smtp.Mail;
using Hopseal.Smtp.Wire;

namespace Hopseal.Smtp.Server;

/// <summary>MAIL, RCPT, DATA and BDAT: the order of RFC 5321 §4.1.4 and RFC 3030 §2.</summary>
static partial class ServerStep
{
    static (ServerState, ServerAction) Mail(ServerState state, SmtpCommand.Mail mail, ServerOptions options)
    {
        if (state is not ServerState.Ready ready)
        {
            return (state, Say(state is ServerState.AwaitingHello ? ServerReplies.HelloFirst : ServerReplies.NestedMail));
        }

        var refusal = mail.Parameters switch
        {
            { Any: true } when !ready.Extended => EsmtpParameters.Unknown,
            { RequireTls: true } when ready.Tls is null => options.Certificates is { Available: true }
                ? ServerReplies.RequireTlsNeedsTls
                : EsmtpParameters.Unknown,
            _ when options.Authentication is AuthenticationUse.Required && ready.User is null => ServerReplies.AuthFirst,
            { Size: { } size } when size > options.MaxMessageOctets => ServerReplies.TooLarge,
            { SmtpUtf8: false } when mail.From is { NeedsSmtpUtf8: true } => ServerReplies.SenderNeedsUtf8,
            _ => null,
        };
        if (refusal is not null)
        {
            return (state, Say(refusal));
        }

        var transaction = new ServerState.InTransaction(ready, NewEnvelope(mail.From, mail.Parameters));
        return (transaction, new ServerAction.AskSender(transaction));
    }

    static Envelope NewEnvelope(Mailbox? from, MailParameters parameters) => new(
        from,
        [],
        parameters.Body,
        parameters.SmtpUtf8,
        parameters.Size,
        parameters.Return,
        parameters.EnvelopeId,
        parameters.RequireTls ? MessageTls.Required : MessageTls.Unspecified);

    static (ServerState, ServerAction) Rcpt(ServerState state, SmtpCommand.Rcpt rcpt, ServerOptions options)
    {
        if (state is not ServerState.InTransaction transaction)
        {
            return (state, Say(OutOfOrder(state)));
        }

        var recipient = rcpt.To ?? Postmaster(options.PostmasterDomain ?? options.Hostname);
        return transaction.Envelope switch
        {
            _ when rcpt.Parameters.Any && !transaction.Session.Extended => (state, Say(EsmtpParameters.Unknown)),
            { Recipients.Length: var count } when count >= options.MaxRecipients => (state, Say(ServerReplies.TooManyRecipients)),
            { SmtpUtf8: false } when recipient.NeedsSmtpUtf8 => (state, Say(ServerReplies.RecipientNeedsUtf8)),
            _ => (state, new ServerAction.AskRecipient(
                transaction, new Recipient(recipient, rcpt.Parameters.Notify, rcpt.Parameters.Original))),
        };
    }

    static (ServerState, ServerAction) Data(ServerState state) => state switch
    {
        ServerState.InTransaction { Envelope.Body: BodyType.BinaryMime } => (state, Say(ServerReplies.NeedsBdat)),
        ServerState.InTransaction { Envelope.Recipients.IsEmpty: true } => (state, Say(ServerReplies.NoRecipients)),
        // Whatever becomes of the content, the transaction is over (RFC 5321 §4.1.1.4).
        ServerState.InTransaction transaction =>
            (transaction.Session, new ServerAction.ReceiveData(transaction.Session, transaction.Envelope)),
        _ => (state, Say(OutOfOrder(state))),
    };

    /// <summary>Every arm that refuses drops the chunk. A refused last chunk ends the transaction: a client that sends one message
    /// after the other without waiting must not find the envelope of the first one when it sends the second.</summary>
    static (ServerState, ServerAction) Bdat(ServerState state, SmtpCommand.Bdat chunk, ServerOptions options) => state switch
    {
        ServerState.InTransaction { Session.Extended: false } => Dropped(state, chunk, ServerReplies.ChunkingNeedsEhlo),
        ServerState.InTransaction { Envelope.Recipients.IsEmpty: true } => Dropped(state, chunk, ServerReplies.NoRecipients),
        ServerState.InTransaction transaction => Chunk(transaction.Session, transaction.Envelope, received: 0, first: true, chunk, options),
        ServerState.ReceivingChunks chunks => Chunk(chunks.Session, chunks.Envelope, chunks.Received, first: false, chunk, options),
        ServerState.ChunksFailed => Dropped(state, chunk, ServerReplies.ChunksFailed),
        _ => Dropped(state, chunk, OutOfOrder(state)),
    };

    static (ServerState, ServerAction) Chunk(
        ServerState.Ready session, Envelope envelope, long received, bool first, SmtpCommand.Bdat chunk, ServerOptions options)
    {
        if (chunk.Size > options.MaxMessageOctets - received)
        {
            return Dropped(new ServerState.ChunksFailed(session), chunk, ServerReplies.TooLarge);
        }

        ServerState next = chunk.Last ? session : new ServerState.ReceivingChunks(session, envelope, received + chunk.Size);
        return (next, new ServerAction.ReceiveChunk(session, envelope, first, chunk.Size, chunk.Last));
    }

    static (ServerState, ServerAction) Dropped(ServerState state, SmtpCommand.Bdat chunk, SmtpReply refusal) =>
        (chunk.Last ? Reset(state) : state, new ServerAction.DropChunk(chunk.Size, refusal));

    static SmtpReply OutOfOrder(ServerState state) => state switch
    {
        ServerState.AwaitingHello => ServerReplies.HelloFirst,
        ServerState.ReceivingChunks => ServerReplies.NotBetweenChunks,
        ServerState.ChunksFailed => ServerReplies.ChunksFailed,
        _ => ServerReplies.MailFirst,
    };

    /// <summary>RFC 5321 §4.5.1: always taken, and it is ours.</summary>
    static Mailbox Postmaster(string hostname) => DomainName.TryParse(hostname, out var domain)
        ? new Mailbox("postmaster", domain)
        : new Mailbox("postmaster", null, hostname);
}
