using System.Collections.Immutable;
using System.Globalization;
using Hopseal.Relay.Queue;
using Hopseal.Smtp.Mail;
using MimeKit;
using MimeKit.Utils;

namespace Hopseal.Relay.Dsn;

/// <summary>Tells a sender what could not be delivered: multipart/report with a part for people, a part for machines
/// (RFC 3464) and the header of the message (RFC 6522 §3). It is 7-bit but for an address of the sender's that is not, and
/// its size is bounded whatever the message was.</summary>
public sealed class FailureReport(string hostname, TimeProvider clock)
{
    static readonly FormatOptions s_format = Format(international: false);
    static readonly FormatOptions s_internationalFormat = Format(international: true);

    /// <summary>One report on all <paramref name="bounced"/> recipients, from the null sender to the return path of the message
    /// (RFC 5321 §4.5.5), ready for the queue.</summary>
    /// <param name="openContent">Opens the content of the message; when that fails, the report goes without its header.</param>
    /// <exception cref="ArgumentException">The message has the null sender itself, who never gets a report
    /// (RFC 5321 §6.1), or nothing bounced.</exception>
    public async ValueTask<StoredMessage> WriteAsync(
        QueueLease lease,
        ImmutableArray<(Mailbox Recipient, RecipientOutcome.Bounced Outcome)> bounced,
        Func<CancellationToken, ValueTask<Stream>> openContent,
        CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(lease);
        ArgumentNullException.ThrowIfNull(openContent);
        ArgumentOutOfRangeException.ThrowIfZero(bounced.Length);
        var sender = lease.Pending.ReturnPath ?? throw new ArgumentException("the null sender gets no report", nameof(lease));
        var header = await ReadHeaderAsync(openContent, cancel);
        var id = QueueId.Next(clock);
        var now = clock.GetUtcNow();
        using var message = Write(lease, sender, bounced, header, id, now);

        using var octets = new MemoryStream();
        await message.WriteToAsync(sender.NeedsSmtpUtf8 ? s_internationalFormat : s_format, octets, cancel);
        var envelope = new Envelope(
            null, [sender], sender.NeedsSmtpUtf8 ? BodyType.EightBitMime : BodyType.SevenBit, sender.NeedsSmtpUtf8);
        return new StoredMessage(id, now, envelope, octets.Length, octets.ToArray(), null);
    }

    MimeMessage Write(
        QueueLease lease,
        Mailbox sender,
        ImmutableArray<(Mailbox Recipient, RecipientOutcome.Bounced Outcome)> bounced,
        OriginalHeader? header,
        QueueId id,
        DateTimeOffset now)
    {
        var message = new MimeMessage
        {
            Subject = bounced.Length == 1
                ? $"Undelivered mail to {bounced[0].Recipient}"
                : string.Create(CultureInfo.InvariantCulture, $"Undelivered mail to {bounced.Length} recipients"),
            Date = now,
            MessageId = $"{id}@{hostname}",
        };
        message.From.Add(new MailboxAddress("Mail Delivery System", $"MAILER-DAEMON@{hostname}"));

        // An address that SMTP allows and the header's grammar does not: the envelope has it, the header says nothing.
        message.To.Add(MailboxAddress.TryParse(sender.ToString(), out var to) ? to : new GroupAddress("undisclosed-recipients"));

        // RFC 3834 §3.1.7, §5
        message.Headers.Add(HeaderId.AutoSubmitted, "auto-replied");
        if (header?.MessageId is { } original)
        {
            message.InReplyTo = original;
            message.References.Add(original);
        }

        var report = new MultipartReport("delivery-status")
        {
            new TextPart("plain")
            {
                Text = ReportText.ForPeople(hostname, lease, bounced),
                ContentTransferEncoding = ContentEncoding.QuotedPrintable,
            },
            new MimePart("message", "delivery-status")
            {
                Content = new MimeContent(new MemoryStream(Status(lease, bounced, now))),
            },
        };
        if (header is not null)
        {
            report.Add(header.ToPart());
        }

        message.Body = report;
        return message;
    }

    /// <summary>The content of message/delivery-status (RFC 3464 §2.1).</summary>
    byte[] Status(
        QueueLease lease, ImmutableArray<(Mailbox Recipient, RecipientOutcome.Bounced Outcome)> bounced, DateTimeOffset now)
    {
        using var text = new MemoryStream();

        // RFC 3464 §2.2
        new HeaderList
        {
            { "Reporting-MTA", $"dns; {hostname}" },
            { "Arrival-Date", DateUtils.FormatDate(lease.ReceivedAt) },
            { "X-Hopseal-Queue-Id", lease.Id.Text },
        }.WriteTo(s_format, text);
        foreach (var (recipient, outcome) in bounced)
        {
            // RFC 3464 §2.3
            var group = new HeaderList
            {
                { "Final-Recipient", ReportText.TypedAddress(recipient) },
                { "Action", "failed" },
                { "Status", outcome.Status.ToString() },
                { "Diagnostic-Code", ReportText.Diagnostic(outcome) },
                { "Last-Attempt-Date", DateUtils.FormatDate(now) },
            };
            if (outcome.Remote is { } remote)
            {
                group.Add("Remote-MTA", $"dns; {ReportText.ToAscii(remote.Host)}");
            }

            group.WriteTo(s_format, text);
        }

        // Each list ends with an empty line, which separates groups; after the last one the grammar has none.
        return text.ToArray()[..^2];
    }

    static FormatOptions Format(bool international)
    {
        var format = FormatOptions.Default.Clone();
        format.NewLineFormat = NewLineFormat.Dos;
        format.International = international;
        return format;
    }

    static async ValueTask<OriginalHeader?> ReadHeaderAsync(
        Func<CancellationToken, ValueTask<Stream>> openContent, CancellationToken cancel)
    {
        try
        {
            await using var content = await openContent(cancel);
            return await OriginalHeader.ReadAsync(content, cancel);
        }
        catch (IOException)
        {
            // RFC 6522 §3: the third part is optional. Better a report without it than none.
            return null;
        }
    }
}
