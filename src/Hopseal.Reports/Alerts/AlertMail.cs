using System.Globalization;
using Hopseal.Relay;
using Hopseal.Relay.Queue;
using Hopseal.Smtp.Mail;
using MimeKit;

namespace Hopseal.Reports.Alerts;

/// <summary>A notice as a mail, from the null sender: nobody answers it, and no bounce comes of it (RFC 3834 §4).</summary>
public sealed class AlertMail(string hostname, string from, IReadOnlyList<Mailbox> to, TimeProvider clock)
{
    const int MostSubject = 150;

    static readonly FormatOptions s_format = Format();

    public Task<StoredMessage> WriteAsync(AlertNotice notice, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(notice);
        var alert = notice.Alert;
        return WriteAsync(
            $"{WebhookBody.Word(notice.Kind)}: {OneLine.Of(alert.Text, MostSubject)}",
            string.Create(CultureInfo.InvariantCulture, $"""
                {alert.Text}

                What to do: {alert.Advice}

                Alert {alert.Id}, rule {alert.Rule}, {WebhookBody.Word(alert.Severity)}, about {alert.Subject}
                Open since {alert.OpenedAt:u}{(alert.ResolvedAt is { } ended ? $", resolved {ended:u}" : "")}
                Gateway {hostname}

                """),
            cancel);
    }

    public Task<StoredMessage> WriteAsync(AlertDigest digest, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(digest);
        return WriteAsync(digest.Subject, $"{digest.Text}\nGateway {hostname}\n", cancel);
    }

    async Task<StoredMessage> WriteAsync(string subject, string text, CancellationToken cancel)
    {
        var id = QueueId.Next(clock);
        using var message = new MimeMessage
        {
            Subject = $"[Hopseal] {subject}",
            Date = clock.GetUtcNow(),
            MessageId = $"{id}@{hostname}",
            Body = new TextPart("plain") { Text = text },
        };
        message.From.Add(new MailboxAddress("Hopseal", from));
        foreach (var recipient in to)
        {
            message.To.Add(MailboxAddress.Parse(recipient.ToString()));
        }

        message.Headers.Add(HeaderId.AutoSubmitted, "auto-generated");
        message.Prepare(EncodingConstraint.SevenBit);
        using var octets = new MemoryStream();
        await message.WriteToAsync(s_format, octets, cancel);
        return new StoredMessage(id, clock.GetUtcNow(), new Envelope(null, [.. to.Select(recipient => new Recipient(recipient))]), octets.Length, octets.ToArray(), null);
    }

    static FormatOptions Format()
    {
        var format = FormatOptions.Default.Clone();
        format.NewLineFormat = NewLineFormat.Dos;
        format.EnsureNewLine = true;
        return format;
    }
}
