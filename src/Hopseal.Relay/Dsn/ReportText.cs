using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using Hopseal.Relay.Queue;
using Hopseal.Smtp.Mail;

namespace Hopseal.Relay.Dsn;

/// <summary>The words of a delivery report.</summary>
static class ReportText
{
    const int LineLength = 76;
    const int MaxRecipientsForPeople = 100;
    const int MaxDiagnostic = 500;

    public static string ForPeople(
        string hostname, QueueLease lease, ImmutableArray<(Mailbox Recipient, RecipientOutcome.Bounced Outcome)> bounced)
    {
        var text = new StringBuilder();
        var addresses = bounced.Length == 1 ? "the address" : "the addresses";
        Paragraph(
            text,
            "",
            $"This is the mail gateway {hostname}. Your message could not be delivered to {addresses} below, "
            + "and it will not be tried again.");
        foreach (var (recipient, outcome) in bounced.Take(MaxRecipientsForPeople))
        {
            text.Append('<').Append(recipient).Append(">\n");
            Paragraph(text, "    ", OneLine.Of(outcome.Reason, MaxDiagnostic * 2));
        }

        if (bounced.Length > MaxRecipientsForPeople)
        {
            var more = (bounced.Length - MaxRecipientsForPeople).ToString(CultureInfo.InvariantCulture);
            Paragraph(text, "", $"{more} more are listed in the attached status.");
        }

        var received = lease.ReceivedAt.UtcDateTime.ToString("yyyy-MM-dd HH:mm:ss", CultureInfo.InvariantCulture);
        Paragraph(
            text,
            "",
            $"The message came in on {received} UTC and is known here as {lease.Id}. "
            + "Whoever looks after the gateway can find it by that name.");
        return text.ToString().TrimEnd() + "\n";
    }

    /// <summary>RFC 3464 §2.3.2; an address that is not ASCII in the 7-bit form of RFC 6533 §3.</summary>
    public static string TypedAddress(Mailbox mailbox)
    {
        var address = mailbox.ToString();
        if (Ascii.IsValid(address))
        {
            return $"rfc822; {address}";
        }

        var escaped = new StringBuilder("utf-8; ");
        foreach (var rune in address.EnumerateRunes())
        {
            if (rune.Value is > ' ' and < 0x7F and not ('+' or '=' or '\\'))
            {
                escaped.Append((char)rune.Value);
            }
            else
            {
                escaped.Append(CultureInfo.InvariantCulture, $"\\x{{{rune.Value:X2}}}");
            }
        }

        return escaped.ToString();
    }

    /// <summary>The peer's last word (RFC 3464 §2.3.6), or our reason where there was none.</summary>
    public static string Diagnostic(RecipientOutcome.Bounced outcome) => ToAscii(
        outcome.Remote?.Reply is { } reply
            ? $"smtp; {OneLine.Of(reply.ToString(), MaxDiagnostic)}"
            : $"x-hopseal; {OneLine.Of(outcome.Reason, MaxDiagnostic)}");

    public static string ToAscii(string text) =>
        Ascii.IsValid(text) ? text : string.Create(text.Length, text, static (ascii, text) =>
        {
            for (var i = 0; i < ascii.Length; i++)
            {
                ascii[i] = char.IsAscii(text[i]) ? text[i] : '?';
            }
        });

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
