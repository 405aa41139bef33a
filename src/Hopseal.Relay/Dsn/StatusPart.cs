using System.Collections.Immutable;
using System.Text;
using Hopseal.Smtp.Mail;
using MimeKit;
using MimeKit.Utils;

namespace Hopseal.Relay.Dsn;

/// <summary>The part for machines: message/delivery-status (RFC 3464 §2.1), in ASCII (RFC 6533 §3).</summary>
static class StatusPart
{
    const int MaxDiagnostic = 500;

    public static MimePart Of(
        string hostname, ReportedMessage about, ReportAction action, ImmutableArray<ReportedRecipient> recipients, FormatOptions format)
    {
        using var text = new MemoryStream();
        OfMessage(hostname, about).WriteTo(format, text);
        foreach (var recipient in recipients)
        {
            OfRecipient(about, action, recipient).WriteTo(format, text);
        }

        // Each list ends with an empty line, which separates groups; after the last one the grammar has none.
        return new MimePart("message", "delivery-status") { Content = new MimeContent(new MemoryStream(text.ToArray()[..^2])) };
    }

    /// <summary>RFC 3464 §2.2.</summary>
    static HeaderList OfMessage(string hostname, ReportedMessage about)
    {
        var fields = new HeaderList();
        if (about.Envelope.EnvelopeId is { } id)
        {
            fields.Add("Original-Envelope-Id", id);
        }

        fields.Add("Reporting-MTA", $"dns; {hostname}");
        fields.Add("Arrival-Date", DateUtils.FormatDate(about.ReceivedAt));
        fields.Add("X-Hopseal-Queue-Id", about.Id.Text);
        return fields;
    }

    /// <summary>RFC 3464 §2.3.</summary>
    static HeaderList OfRecipient(ReportedMessage about, ReportAction action, ReportedRecipient reported)
    {
        var fields = new HeaderList();
        if (reported.Recipient.Original is { } original)
        {
            // RFC 3461 §6.3: as the sender named it, and only then.
            fields.Add("Original-Recipient", original.ToString());
        }

        fields.Add("Final-Recipient", OriginalRecipient.Of(reported.Recipient.Mailbox).ToString());
        fields.Add("Action", Name(action));
        fields.Add("Status", reported.Status.ToString());
        if (reported.Remote is { } remote)
        {
            fields.Add("Remote-MTA", $"dns; {ToAscii(remote.Host)}");
        }

        if (Diagnostic(action, reported) is { } diagnostic)
        {
            fields.Add("Diagnostic-Code", diagnostic);
        }

        if (reported.LastAttempt is { } last)
        {
            fields.Add("Last-Attempt-Date", DateUtils.FormatDate(last));
        }

        if (action is ReportAction.Delayed)
        {
            fields.Add("Will-Retry-Until", DateUtils.FormatDate(about.GivesUpAt));
        }

        if (reported.Security is { } security)
        {
            fields.Add("X-Hopseal-Transport-Security", ToAscii(OneLine.Of(security, MaxDiagnostic)));
        }

        return fields;
    }

    static string Name(ReportAction action) => action switch
    {
        ReportAction.Failed => "failed",
        ReportAction.Delayed => "delayed",
        ReportAction.Delivered => "delivered",
        ReportAction.Relayed => "relayed",
    };

    /// <summary>The peer's last word (RFC 3464 §2.3.6), or our reason where there was none; nothing about a success of ours.</summary>
    static string? Diagnostic(ReportAction action, ReportedRecipient reported) =>
        reported.Remote?.Reply is { } reply ? ToAscii($"smtp; {OneLine.Of(reply.ToString(), MaxDiagnostic)}")
        : action is ReportAction.Delivered ? null
        : ToAscii($"x-hopseal; {OneLine.Of(reported.Reason, MaxDiagnostic)}");

    static string ToAscii(string text) =>
        Ascii.IsValid(text) ? text : string.Create(text.Length, text, static (ascii, text) =>
        {
            for (var i = 0; i < ascii.Length; i++)
            {
                ascii[i] = char.IsAscii(text[i]) ? text[i] : '?';
            }
        });
}
