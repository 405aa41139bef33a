using System.Collections.Immutable;

namespace Hopseal.Smtp.Mail;

/// <summary>Return path and recipients, apart from the message content (RFC 5321 §2.3.1).</summary>
/// <param name="ReturnPath">Null for <c>&lt;&gt;</c>, the null reverse-path of a delivery report.</param>
/// <param name="Body">What the client declared of the content.</param>
/// <param name="SmtpUtf8">The message was sent with SMTPUTF8 (RFC 6531 §3.4) and the next hop must offer it too.</param>
/// <param name="DeclaredSize">The SIZE parameter in octets (RFC 1870 §6), null when there was none.</param>
/// <param name="Return">The RET parameter (RFC 3461 §4.3), null when there was none: then we choose.</param>
/// <param name="EnvelopeId">The ENVID parameter, decoded (RFC 3461 §4.4): the sender's own name for the message.</param>
/// <param name="Tls">What the sender said about TLS (RFC 8689): by a parameter of MAIL, or in the message's header section.</param>
public sealed record Envelope(
    Mailbox? ReturnPath,
    ImmutableArray<Recipient> Recipients,
    BodyType Body = BodyType.SevenBit,
    bool SmtpUtf8 = false,
    long? DeclaredSize = null,
    DsnReturn? Return = null,
    string? EnvelopeId = null,
    MessageTls Tls = MessageTls.Unspecified)
{
    /// <summary>The reverse-path with its angle brackets: <c>&lt;&gt;</c> for none.</summary>
    public string ReturnPathText => $"<{ReturnPath}>";
}

/// <summary>The BODY parameter (RFC 6152 §3, RFC 3030 §3).</summary>
public enum BodyType
{
    SevenBit,
    EightBitMime,

    /// <summary>May hold bare CR, bare LF and NUL; travels by BDAT only.</summary>
    BinaryMime,
}
