using Hopseal.Smtp.Mail;

namespace Hopseal.Smtp.Wire;

/// <summary>One command line, understood as far as it can be without knowing the session (RFC 5321 §4.1).</summary>
public abstract record SmtpCommand
{
    SmtpCommand()
    {
    }

    /// <param name="Name">A domain or an address literal, as the client wrote it; not verified (RFC 5321 §4.1.4).</param>
    public sealed record Ehlo(string Name) : SmtpCommand;

    public sealed record Helo(string Name) : SmtpCommand;

    /// <param name="From">Null for <c>&lt;&gt;</c>.</param>
    public sealed record Mail(Mailbox? From, MailParameters Parameters) : SmtpCommand;

    /// <param name="To">Null for <c>&lt;Postmaster&gt;</c> without a domain (RFC 5321 §4.1.1.3).</param>
    public sealed record Rcpt(Mailbox? To, RcptParameters Parameters) : SmtpCommand;

    public sealed record Data : SmtpCommand;

    /// <summary>RFC 3030 §2. <paramref name="Size"/> octets follow the command line.</summary>
    public sealed record Bdat(long Size, bool Last) : SmtpCommand;

    public sealed record Rset : SmtpCommand;

    public sealed record Noop : SmtpCommand;

    public sealed record Quit : SmtpCommand;

    public sealed record Vrfy : SmtpCommand;

    public sealed record Expn : SmtpCommand;

    public sealed record Help : SmtpCommand;

    public sealed record StartTls : SmtpCommand;

    /// <param name="Mechanism">In upper case.</param>
    /// <param name="InitialResponse">Decoded; null when there was none (RFC 4954 §4).</param>
    public sealed record Auth(string Mechanism, ReadOnlyMemory<byte>? InitialResponse) : SmtpCommand;

    /// <summary>A verb nobody here knows.</summary>
    public sealed record Unknown : SmtpCommand;

    /// <summary>A request of a web client: somebody makes a browser talk to a mail server.</summary>
    public sealed record Http : SmtpCommand;

    /// <summary>A known verb with arguments that are not as they must be.</summary>
    /// <param name="Verb">Which one.</param>
    /// <param name="Refusal">What the client is told.</param>
    public sealed record Malformed(SmtpVerb Verb, SmtpReply Refusal) : SmtpCommand;
}

/// <summary>The parameters of MAIL that are understood (RFC 5321 §4.1.1.11).</summary>
/// <param name="Any">There were parameters: a client that said HELO may send none.</param>
/// <param name="Size">RFC 1870 §6, in octets; <see cref="long.MaxValue"/> for anything larger than that.</param>
/// <param name="Return">RET (RFC 3461 §4.3).</param>
/// <param name="EnvelopeId">ENVID (RFC 3461 §4.4), decoded.</param>
/// <param name="RequireTls">REQUIRETLS (RFC 8689 §2). Only inside TLS it means something.</param>
public sealed record MailParameters(
    bool Any, long? Size, BodyType Body, bool SmtpUtf8, DsnReturn? Return = null, string? EnvelopeId = null, bool RequireTls = false)
{
    public static MailParameters None { get; } = new(false, null, BodyType.SevenBit, false);
}

/// <summary>The parameters of RCPT that are understood.</summary>
/// <param name="Any">There were parameters: a client that said HELO may send none.</param>
/// <param name="Notify">NOTIFY (RFC 3461 §4.1).</param>
/// <param name="Original">ORCPT (RFC 3461 §4.2), decoded.</param>
public sealed record RcptParameters(bool Any, DsnNotify? Notify = null, OriginalRecipient? Original = null)
{
    public static RcptParameters None { get; } = new(false);
}

public enum SmtpVerb
{
    Unknown,
    Http,
    Ehlo,
    Helo,
    Mail,
    Rcpt,
    Data,
    Bdat,
    Rset,
    Noop,
    Quit,
    Vrfy,
    Expn,
    Help,
    StartTls,
    Auth,
}
