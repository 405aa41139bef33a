using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using Hopseal.Smtp.Mail;

namespace Hopseal.Relay.Dsn;

/// <summary>The words of a report, for people.</summary>
static class ReportText
{
    const int LineLength = 76;
    const int MaxRecipients = 100;
    const int MaxReason = 1000;

    public static string Subject(ReportAction action, ImmutableArray<ReportedRecipient> recipients)
    {
        var whom = recipients.Length == 1
            ? recipients[0].Recipient.ToString()
            : string.Create(CultureInfo.InvariantCulture, $"{recipients.Length} recipients");
        return action switch
        {
            ReportAction.Failed => $"Undelivered mail to {whom}",
            ReportAction.Delayed => $"Delayed mail to {whom}",
            ReportAction.Delivered => $"Delivered mail to {whom}",
            ReportAction.Relayed => $"Relayed mail to {whom}",
        };
    }

    public static string Body(
        string hostname, ReportedMessage about, ReportAction action, ImmutableArray<ReportedRecipient> recipients)
    {
        var text = new StringBuilder();
        var addresses = recipients.Length == 1 ? "the address" : "the addresses";
        Paragraph(text, "", $"This is the mail gateway {hostname}. {Opening(action, addresses, about)}");
        foreach (var reported in recipients.Take(MaxRecipients))
        {
            text.Append('<').Append(reported.Recipient).Append(">\n");
            Paragraph(text, "    ", OneLine.Of(reported.Reason, MaxReason));
        }

        if (recipients.Length > MaxRecipients)
        {
            var more = (recipients.Length - MaxRecipients).ToString(CultureInfo.InvariantCulture);
            Paragraph(text, "", $"{more} more are listed in the attached status.");
        }

        if (action is ReportAction.Failed && about.Envelope.Tls is MessageTls.Required && recipients.Any(IsAboutRequireTls))
        {
            Paragraph(
                text,
                "",
                "You, or your mail program, asked that this message travels only over connections whose encryption and whose servers can be "
                + "verified, and only by servers that promise the same (REQUIRETLS). The way to the recipient does not offer that, so the "
                + "message was not sent on. If it may travel without that promise, send it again without that request; if not, use another way.");
        }

        Paragraph(
            text,
            "",
            $"The message came in on {Time(about.ReceivedAt)} and is known here as {about.Id}. "
            + "Whoever looks after the gateway can find it by that name.");
        return text.ToString().TrimEnd() + "\n";
    }

    /// <summary>The two of RFC 8689 §4.2.1, whether we or a later server said so.</summary>
    static bool IsAboutRequireTls(ReportedRecipient reported) => reported.Status is { Subject: 7, Detail: 30 or 10 };

    static string Opening(ReportAction action, string addresses, ReportedMessage about) => action switch
    {
        ReportAction.Failed =>
            $"Your message could not be delivered to {addresses} below, and it will not be tried again.",
        ReportAction.Delayed =>
            $"Your message could not be delivered to {addresses} below yet. It is tried again until {Time(about.GivesUpAt)}; "
            + "there is no need to send it again.",
        ReportAction.Delivered =>
            $"You asked to be told: your message was delivered to {addresses} below.",
        ReportAction.Relayed =>
            $"You asked to be told: your message was handed on to another mail server for {addresses} below. That server does not "
            + "report deliveries, so you hear of it again only if it fails.",
    };

    static string Time(DateTimeOffset time) =>
        time.UtcDateTime.ToString("yyyy-MM-dd HH:mm:ss 'UTC'", CultureInfo.InvariantCulture);

    static void Paragraph(StringBuilder text, string indent, string words)
    {
        var column = 0;
        foreach (var word in words.Split(' ', StringSplitOptions.RemoveEmptyEntries))
        {
            if (column > 0 && column + 1 + word.Length > LineLength)
            {
                text.Append('\n');
                column = 0;
            }

            text.Append(column == 0 ? indent : " ").Append(word);
            column += (column == 0 ? indent.Length : 1) + word.Length;
        }

        text.Append("\n\n");
    }
}
