using Hopseal.Smtp.Wire;

namespace Hopseal.Smtp.Server;

/// <summary>Step 2: the whole protocol of the server as one pure function: a state and a command make a state and an action. No I/O, no
/// clock, so tests are tables.</summary>
/// <remarks>The state that is returned holds once the action has been done. Where its outcome matters the action carries what is
/// needed to say what follows: an accepted recipient, a refused chunk, an authenticated user, the TLS connection.</remarks>
static partial class ServerStep
{
    public static (ServerState Next, ServerAction Action)
        Step(ServerState state, SmtpCommand command, ServerOptions options) =>
        options.Mode is ListenerMode.StartTlsRequired && state.Encryption is null && !IsServedBeforeTls(command)
            ? BeforeTls(state, command)
            : command switch
            {
                SmtpCommand.Ehlo hello => (Greeted(state, hello.Name, extended: true), Say(ServerReplies.Ehlo(options, state.Encryption is not null))),
                SmtpCommand.Helo hello => (Greeted(state, hello.Name, extended: false), Say(ServerReplies.Helo(options))),
                SmtpCommand.StartTls => StartTls(state, options),
                SmtpCommand.Auth auth => Auth(state, auth, options),
                SmtpCommand.Mail mail => Mail(state, mail, options),
                SmtpCommand.Rcpt rcpt => Rcpt(state, rcpt, options),
                SmtpCommand.Data => Data(state),
                SmtpCommand.Bdat bdat => Bdat(state, bdat, options),
                SmtpCommand.Rset => (Reset(state), s_ok),
                SmtpCommand.Noop => (state, s_ok),
                SmtpCommand.Quit => (state, new ServerAction.Close(ServerReplies.Bye, SessionEnd.Quit)),
                SmtpCommand.Vrfy => (state, Say(ServerReplies.NotVerified)), // RFC 5321 §7.3
                SmtpCommand.Expn => (state, Say(ServerReplies.NotImplemented)),
                SmtpCommand.Help => (state, Say(ServerReplies.Help)),
                SmtpCommand.Malformed malformed => Malformed(state, malformed),
                SmtpCommand.Http => (state, new ServerAction.Close(ServerReplies.NotSmtp, SessionEnd.NotSmtp, "an HTTP request")),
                SmtpCommand.Unknown => (state, Say(ServerReplies.Unknown)),
                _ => throw new System.Diagnostics.UnreachableException(),
            };

    static readonly ServerAction s_ok = Say(ServerReplies.Ok);

    static ServerAction.Say Say(SmtpReply reply) => new(reply);

    /// <summary>RFC 3207 §4 names these four. What cannot be read as a command is told so, whatever it was meant to be.</summary>
    static bool IsServedBeforeTls(SmtpCommand command) =>
        command is SmtpCommand.Ehlo or SmtpCommand.Noop or SmtpCommand.StartTls or SmtpCommand.Quit or SmtpCommand.Malformed or SmtpCommand.Http;

    static (ServerState, ServerAction) BeforeTls(ServerState state, SmtpCommand command) => command is SmtpCommand.Bdat chunk
        ? (state, new ServerAction.DropChunk(chunk.Size, ServerReplies.TlsFirst))
        : (state, Say(ServerReplies.TlsFirst));

    /// <summary>EHLO and HELO abort a transaction (RFC 5321 §4.1.4); whoever authenticated stays who he is.</summary>
    static ServerState.Ready Greeted(ServerState state, string name, bool extended) =>
        new(name, extended, state.Encryption, SessionOf(state)?.User);

    static ServerState Reset(ServerState state) => SessionOf(state) ?? state;

    static ServerState.Ready? SessionOf(ServerState state) => state switch
    {
        ServerState.AwaitingHello => null,
        ServerState.Ready ready => ready,
        ServerState.InTransaction transaction => transaction.Session,
        ServerState.ReceivingChunks chunks => chunks.Session,
        ServerState.ChunksFailed failed => failed.Session,
        _ => throw new System.Diagnostics.UnreachableException(),
    };

    static (ServerState, ServerAction) Malformed(ServerState state, SmtpCommand.Malformed malformed) => malformed.Verb is SmtpVerb.Bdat
        // Nobody knows how many octets of content follow, and they must not be taken for commands.
        ? (state, new ServerAction.Close(malformed.Refusal, SessionEnd.NotSmtp, "a BDAT without a readable size"))
        : (state, Say(malformed.Refusal));

    static (ServerState, ServerAction) StartTls(ServerState state, ServerOptions options) => (state.Encryption, options) switch
    {
        (not null, _) => (state, Say(ServerReplies.TlsActive)),
        (null, { Certificates.Available: true }) => (new ServerState.AwaitingHello(null), new ServerAction.Upgrade(ServerReplies.GoAhead)),
        _ => (state, Say(ServerReplies.TlsNotAvailable)),
    };

    /// <summary>RFC 4954 §4.</summary>
    static (ServerState, ServerAction) Auth(ServerState state, SmtpCommand.Auth auth, ServerOptions options) => state switch
    {
        _ when !options.OffersAuthentication => (state, Say(ServerReplies.AuthNotEnabled)),
        { Encryption: null } => (state, Say(ServerReplies.AuthNeedsTls)),
        ServerState.AwaitingHello or ServerState.Ready { Extended: false } => (state, Say(ServerReplies.HelloFirst)),
        ServerState.Ready { User: not null } => (state, Say(ServerReplies.AuthTwice)),
        ServerState.Ready when !IsOffered(auth.Mechanism) => (state, Say(ServerReplies.UnknownMechanism)),
        ServerState.Ready ready => (state, new ServerAction.Authenticate(ready, auth.Mechanism, auth.InitialResponse)),
        _ => (state, Say(ServerReplies.AuthInTransaction)),
    };

    static bool IsOffered(string mechanism) =>
        Sasl.SaslServerExchange.Mechanisms.Split(' ').Contains(mechanism, StringComparer.Ordinal);
}
