using System.Text;
using Hopseal.Smtp.Mail;
using Hopseal.Smtp.Wire;

namespace Hopseal.Smtp.Client;

/// <summary>How one message travels on one connection: the MAIL command, the paths, and DATA or BDAT; or why it cannot.</summary>
sealed record Carriage(string MailCommand, bool SmtpUtf8, bool Dsn, bool Chunking, bool Binary)
{
    /// <summary>Null when the peer lacks what the message needs; nothing is converted on the way.</summary>
    /// <param name="insideTls">Whether <paramref name="capabilities"/> were offered inside TLS.</param>
    public static async ValueTask<(Carriage? Carriage, RecipientResult.Unsupported? Why)> ChooseAsync(
        EhloCapabilities capabilities, bool insideTls, Envelope envelope, Stream content, long size, CancellationToken cancel)
    {
        var requireTls = envelope.Tls is MessageTls.Required;
        if (requireTls && !(insideTls && capabilities.RequireTls))
        {
            return No(5, 7, 30, "the sender requires TLS on the whole way, and the server does not offer REQUIRETLS"); // RFC 8689 §4.2.1
        }

        if (capabilities.MaxSize is { } max && size > max)
        {
            return No(5, 3, 4, $"the message has {size} octets, the server takes {max}"); // RFC 1870 §7, RFC 3463 §3.4
        }

        var utf8 = envelope.SmtpUtf8 || NeedsSmtpUtf8(envelope.ReturnPath) || envelope.Recipients.Any(recipient => NeedsSmtpUtf8(recipient.Mailbox));
        if (utf8 && !capabilities.SmtpUtf8)
        {
            // RFC 6531 §3.5: .7 is about addresses, .9 about header fields.
            return NeedsSmtpUtf8(envelope.ReturnPath) || envelope.Recipients.Any(recipient => NeedsSmtpUtf8(recipient.Mailbox))
                ? No(5, 6, 7, "the server does not offer SMTPUTF8, and an address is not ASCII")
                : No(5, 6, 9, "the server does not offer SMTPUTF8, with which the message was sent");
        }

        var body = envelope.Body;
        switch (body)
        {
            case BodyType.BinaryMime when !capabilities.BinaryMime:
                return No(5, 6, 3, "the server does not offer BINARYMIME"); // RFC 3030 §3
            case BodyType.EightBitMime when !capabilities.EightBitMime:
                // Many clients declare 8BITMIME and send ASCII (RFC 6152 §3 asks about the content, not about the label).
                if (!await IsAsciiAsync(content, cancel))
                {
                    return No(5, 6, 3, "the server does not offer 8BITMIME");
                }

                body = BodyType.SevenBit;
                break;
            default:
                break;
        }

        var mail = new StringBuilder($"MAIL FROM:<{(envelope.ReturnPath is { } path ? Path(path, utf8) : "")}>");
        mail.Append(capabilities.Size ? $" SIZE={size}" : "");
        mail.Append(body switch
        {
            BodyType.SevenBit => "",
            BodyType.EightBitMime => " BODY=8BITMIME",
            BodyType.BinaryMime => " BODY=BINARYMIME",
        });
        mail.Append(utf8 ? " SMTPUTF8" : "");
        mail.Append(requireTls ? " REQUIRETLS" : "");
        if (capabilities.Dsn)
        {
            mail.Append(envelope.Return is { } what ? $" {DsnParameters.Write(what)}" : "");
            mail.Append(envelope.EnvelopeId is { } id ? $" {DsnParameters.WriteEnvelopeId(id)}" : "");
        }

        return (new Carriage(mail.ToString(), utf8, capabilities.Dsn, capabilities.Chunking, body is BodyType.BinaryMime), null);
    }

    /// <summary>What the client asked for goes on unchanged, and nothing that it did not ask for (RFC 3461 §5.2.1); to a server without
    /// DSN nothing does (§5.2.2). Where it asked to be told and named no original recipient, we do: a later hop that rewrites
    /// the address can then still report on the one the sender knows.</summary>
    public string RcptCommand(Recipient recipient)
    {
        var command = $"RCPT TO:<{Path(recipient.Mailbox, SmtpUtf8)}>";
        if (!Dsn)
        {
            return command;
        }

        var original = recipient.Original
            ?? (recipient.Notify is not (null or DsnNotify.Never) ? OriginalRecipient.Of(recipient.Mailbox) : null);
        var notify = recipient.Notify is { } when ? $" {DsnParameters.Write(when)}" : "";
        return $"{command}{notify}{(original is null ? "" : $" {DsnParameters.Write(original, SmtpUtf8)}")}";
    }

    /// <summary>U-labels travel with SMTPUTF8 only; without, the same domain is written in A-labels.</summary>
    static string Path(Mailbox mailbox, bool utf8) =>
        (utf8 ? mailbox : mailbox with { DomainText = null }).ToString();

    static bool NeedsSmtpUtf8(Mailbox? mailbox) => mailbox is not null && !Ascii.IsValid(mailbox.LocalPart);

    /// <summary>Looks through the content and goes back; false for a stream that cannot go back.</summary>
    static async ValueTask<bool> IsAsciiAsync(Stream content, CancellationToken cancel)
    {
        if (!content.CanSeek)
        {
            return false;
        }

        var start = content.Position;
        var buffer = new byte[16 * 1024];
        var ascii = true;
        for (int read; ascii && (read = await content.ReadAsync(buffer, cancel)) > 0;)
        {
            ascii = Ascii.IsValid(buffer.AsSpan(0, read));
        }

        content.Position = start;
        return ascii;
    }

    static (Carriage?, RecipientResult.Unsupported?) No(byte statusClass, ushort subject, ushort detail, string reason) =>
        (null, new RecipientResult.Unsupported(new EnhancedStatus(statusClass, subject, detail), reason));
}
