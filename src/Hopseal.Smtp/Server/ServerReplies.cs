using System.Collections.Immutable;
using Hopseal.Smtp.Sasl;
using Hopseal.Smtp.Wire;

namespace Hopseal.Smtp.Server;

/// <summary>The words of the server. Greeting, EHLO, HELO, 334 and 354 carry no enhanced code (RFC 2034 §4).</summary>
static class ServerReplies
{
    public static SmtpReply Ok { get; } = Reply(250, 2, 0, 0, "OK");

    public static SmtpReply SenderOk { get; } = Reply(250, 2, 1, 0, "Sender OK");

    public static SmtpReply Bye { get; } = Reply(221, 2, 0, 0, "Bye");

    public static SmtpReply GoAhead { get; } = Reply(220, 2, 0, 0, "Ready to start TLS");

    public static SmtpReply SendData { get; } = new(354, "End data with <CR><LF>.<CR><LF>");

    public static SmtpReply NotVerified { get; } = Reply(252, 2, 5, 0, "Cannot verify; send the message and see");

    public static SmtpReply Help { get; } = Reply(214, 2, 0, 0, "See RFC 5321");

    public static SmtpReply AuthenticationSucceeded { get; } = Reply(235, 2, 7, 0, "Authentication succeeded");

    public static SmtpReply HelloFirst { get; } = Reply(503, 5, 5, 1, "Say EHLO first");

    public static SmtpReply MailFirst { get; } = Reply(503, 5, 5, 1, "MAIL first");

    public static SmtpReply NestedMail { get; } = Reply(503, 5, 5, 1, "A transaction is in progress; RSET ends it");

    public static SmtpReply NotBetweenChunks { get; } = Reply(503, 5, 5, 1, "Between chunks of a message; only BDAT and RSET go on");

    public static SmtpReply ChunksFailed { get; } = Reply(503, 5, 5, 1, "A chunk of this message was refused; RSET first");

    public static SmtpReply NoRecipients { get; } = Reply(554, 5, 5, 1, "No valid recipients");

    public static SmtpReply NeedsBdat { get; } = Reply(503, 5, 5, 1, "BINARYMIME content comes by BDAT");

    public static SmtpReply ChunkingNeedsEhlo { get; } = Reply(503, 5, 5, 1, "BDAT after EHLO only");

    public static SmtpReply Unknown { get; } = Reply(500, 5, 5, 1, "Command not recognised");

    public static SmtpReply NotImplemented { get; } = Reply(502, 5, 5, 1, "Not implemented");

    public static SmtpReply TlsFirst { get; } = Reply(530, 5, 7, 0, "Must issue a STARTTLS command first");

    /// <summary>A promise that could not be kept for the way the message has already come (RFC 8689 §2). The detail is that of a client
    /// which may not send this without TLS (RFC 8689 §4.2.1).</summary>
    public static SmtpReply RequireTlsNeedsTls { get; } = Reply(530, 5, 7, 10, "REQUIRETLS is for use inside TLS; issue STARTTLS first");

    public static SmtpReply TlsActive { get; } = Reply(503, 5, 5, 1, "TLS is active");

    public static SmtpReply TlsNotAvailable { get; } = Reply(454, 4, 7, 0, "TLS not available due to temporary reason");

    public static SmtpReply AuthNotEnabled { get; } = Reply(502, 5, 5, 1, "Authentication is not offered here");

    public static SmtpReply AuthNeedsTls { get; } = Reply(538, 5, 7, 11, "Encryption required for authentication");

    public static SmtpReply AuthTwice { get; } = Reply(503, 5, 5, 1, "Already authenticated");

    public static SmtpReply AuthInTransaction { get; } = Reply(503, 5, 5, 1, "No AUTH within a transaction");

    public static SmtpReply UnknownMechanism { get; } = Reply(504, 5, 5, 4, "Mechanism not offered");

    public static SmtpReply AuthFirst { get; } = Reply(530, 5, 7, 0, "Authentication required");

    public static SmtpReply AuthFailed { get; } = Reply(535, 5, 7, 8, "Authentication credentials invalid");

    public static SmtpReply AuthCancelled { get; } = Reply(501, 5, 7, 0, "Authentication cancelled");

    public static SmtpReply AuthMalformed { get; } = Reply(501, 5, 5, 2, "Malformed authentication message");

    public static SmtpReply AuthLineTooLong { get; } = Reply(500, 5, 5, 6, "Authentication exchange line is too long");

    public static SmtpReply AuthFault { get; } = Reply(454, 4, 7, 0, "Temporary authentication failure");

    public static SmtpReply TooLarge { get; } = Reply(552, 5, 3, 4, "Message exceeds the size limit");

    public static SmtpReply TooManyRecipients { get; } = Reply(452, 4, 5, 3, "Too many recipients; send the rest in another transaction");

    /// <summary>RFC 6531 §3.5.</summary>
    public static SmtpReply SenderNeedsUtf8 { get; } = Reply(550, 5, 6, 7, "This sender's address needs SMTPUTF8");

    /// <summary>RFC 6531 §3.5.</summary>
    public static SmtpReply RecipientNeedsUtf8 { get; } = Reply(553, 5, 6, 7, "This recipient's address needs SMTPUTF8");

    public static SmtpReply BareLineBreakInContent { get; } = Reply(554, 5, 6, 0, "A bare CR or LF is not allowed in a message");

    public static SmtpReply NulInContent { get; } = Reply(554, 5, 6, 0, "A NUL octet is not allowed in a message");

    public static SmtpReply LocalFault { get; } = Reply(451, 4, 3, 0, "Local error in processing; try again later");

    public static SmtpReply LineTooLong { get; } = Reply(500, 5, 5, 2, "Line too long");

    public static SmtpReply BareLineBreak { get; } = Reply(500, 5, 5, 2, "A line ends with CRLF and nothing else");

    public static SmtpReply Injected { get; } = Reply(554, 5, 5, 1, "Nothing may follow STARTTLS before the handshake");

    public static SmtpReply NotSmtp { get; } = Reply(554, 5, 5, 1, "This is an SMTP server");

    public static SmtpReply TimedOut { get; } = Reply(421, 4, 4, 2, "Timed out");

    public static SmtpReply ShuttingDown { get; } = Reply(421, 4, 3, 2, "Shutting down; try again later");

    public static SmtpReply InternalFault { get; } = Reply(421, 4, 3, 0, "Internal fault; try again later");

    public static SmtpReply TooManyErrors { get; } = Reply(421, 4, 7, 0, "Too many errors");

    public static SmtpReply TooManyAuthenticationFailures { get; } = Reply(421, 4, 7, 0, "Too many authentication failures");

    public static SmtpReply TooManyConnections { get; } = Reply(421, 4, 7, 0, "Too many connections; try again later");

    public static SmtpReply Greeting(ServerOptions options) => new(220, $"{options.Hostname} ESMTP Hopseal");

    public static SmtpReply ChunkOk(long octets) => Reply(250, 2, 0, 0, $"{octets} octets received");

    public static SmtpReply Helo(ServerOptions options) => new(250, options.Hostname);

    /// <summary>RFC 5321 §4.1.1.1. What is offered depends on whether the connection is TLS, and on nothing else.</summary>
    public static SmtpReply Ehlo(ServerOptions options, bool tls)
    {
        ImmutableArray<string> always =
        [
            options.Hostname,
            "PIPELINING", // RFC 2920
            $"SIZE {options.MaxMessageOctets}", // RFC 1870
            "8BITMIME", // RFC 6152
            "SMTPUTF8", // RFC 6531
            "ENHANCEDSTATUSCODES", // RFC 2034
            "CHUNKING", // RFC 3030
            "BINARYMIME", // RFC 3030
            .. tls ? (ReadOnlySpan<string>)["REQUIRETLS"] : [], // RFC 8689
            "DSN", // RFC 3461
        ];
        ImmutableArray<string> extra = (tls, options) switch
        {
            (false, { Certificates.Available: true }) => ["STARTTLS"], // RFC 3207
            (true, { OffersAuthentication: true }) => [$"AUTH {SaslServerExchange.Mechanisms}"], // RFC 4954
            _ => [],
        };
        return new SmtpReply(250, null, always.AddRange(extra));
    }

    static SmtpReply Reply(int code, byte @class, ushort subject, ushort detail, string text) =>
        new(code, new EnhancedStatus(@class, subject, detail), text);
}
