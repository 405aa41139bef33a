using System.Collections.Immutable;
using Hopseal.Relay.Queue;
using Hopseal.Smtp.Mail;
using MimeKit;

namespace Hopseal.Relay.Dsn;

/// <summary>Tells a sender what became of a message: multipart/report with a part for people, a part for machines (RFC 3464) and
/// the header of the message or the whole of it (RFC 6522 §3). It is 7-bit but for an address of the sender's that is not,
/// and its size is bounded whatever the message was.</summary>
public sealed class DeliveryReport(string hostname, TimeProvider clock)
{
    static readonly FormatOptions s_format = Format(international: false);
    static readonly FormatOptions s_internationalFormat = Format(international: true);

    /// <summary>One report on all <paramref name="recipients"/>, from the null sender to the return path of the message
    /// (RFC 3461 §6.1), ready for the queue.</summary>
    /// <param name="openContent">Opens the content of the message; when that fails, the report goes without it.</param>
    /// <exception cref="ArgumentException">The message has the null sender itself, who never gets a report
    /// (RFC 5321 §6.1), or there is nothing to report.</exception>
    public async ValueTask<StoredMessage> WriteAsync(
        ReportedMessage about,
        ReportAction action,
        ImmutableArray<ReportedRecipient> recipients,
        Func<CancellationToken, ValueTask<Stream>> openContent,
        CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(about);
        ArgumentNullException.ThrowIfNull(openContent);
        ArgumentOutOfRangeException.ThrowIfZero(recipients.Length);
        var sender = about.Envelope.ReturnPath ?? throw new ArgumentException("the null sender gets no report", nameof(about));
        var returned = await ReadContentAsync(about, action, openContent, cancel);
        var id = QueueId.Next(clock);
        var now = clock.GetUtcNow();
        using var message = Write(about, sender, action, recipients, returned);
        message.Date = now;
        message.MessageId = $"{id}@{hostname}";

        using var octets = new MemoryStream();
        await message.WriteToAsync(sender.NeedsSmtpUtf8 ? s_internationalFormat : s_format, octets, cancel);
        var envelope = new Envelope(
            null,
            [sender],
            sender.NeedsSmtpUtf8 ? BodyType.EightBitMime : BodyType.SevenBit,
            sender.NeedsSmtpUtf8,
            Tls: about.Envelope.Tls);
        return new StoredMessage(id, now, envelope, octets.Length, octets.ToArray(), null);
    }

    MimeMessage Write(
        ReportedMessage about,
        Mailbox sender,
        ReportAction action,
        ImmutableArray<ReportedRecipient> recipients,
        ReturnedContent? returned)
    {
        var message = new MimeMessage { Subject = ReportText.Subject(action, recipients) };
        message.From.Add(new MailboxAddress("Mail Delivery System", $"MAILER-DAEMON@{hostname}"));

        // An address that SMTP allows and the header's grammar does not: the envelope has it, the header says nothing.
        message.To.Add(MailboxAddress.TryParse(sender.ToString(), out var to) ? to : new GroupAddress("undisclosed-recipients"));

        // RFC 3834 §3.1.7, §5
        message.Headers.Add(HeaderId.AutoSubmitted, "auto-replied");
        if (about.Envelope.Tls is MessageTls.Optional)
        {
            // What the sender said of his message holds for what is written because of it (RFC 8689 §6).
            message.Headers.Add("TLS-Required", "No");
        }

        if (returned?.MessageId is { } original)
        {
            message.InReplyTo = original;
            message.References.Add(original);
        }

        var report = new MultipartReport("delivery-status")
        {
            new TextPart("plain")
            {
                Text = ReportText.Body(hostname, about, action, recipients),
                ContentTransferEncoding = ContentEncoding.QuotedPrintable,
            },
            StatusPart.Of(hostname, about, action, recipients, s_format),
        };
        if (returned is not null)
        {
            report.Add(returned.ToPart());
        }

        message.Body = report;
        return message;
    }

    /// <summary>RFC 3461 §4.3: RET is about failures, anything else brings back the header; so does a failure when nothing was said, and one
    /// of a message that requires TLS, whatever was said (RFC 8689 §5).</summary>
    static async ValueTask<ReturnedContent?> ReadContentAsync(
        ReportedMessage about, ReportAction action, Func<CancellationToken, ValueTask<Stream>> openContent, CancellationToken cancel)
    {
        var whole = action is ReportAction.Failed
            && about.Envelope is { Return: DsnReturn.Full, Tls: not MessageTls.Required }
            && about.Size <= ReturnedContent.MaxWholeOctets;
        try
        {
            await using var content = await openContent(cancel);
            return whole
                ? await ReturnedContent.ReadWholeAsync(content, about.Size, about.Envelope.SmtpUtf8, cancel)
                : await ReturnedContent.ReadHeaderAsync(content, about.Envelope.SmtpUtf8, cancel);
        }
        catch (IOException)
        {
            // RFC 6522 §3: the third part is optional. Better a report without it than none.
            return null;
        }
    }

    static FormatOptions Format(bool international)
    {
        var format = FormatOptions.Default.Clone();
        format.NewLineFormat = NewLineFormat.Dos;
        format.International = international;
        return format;
    }
}
