using MimeKit;
using MimeKit.Utils;

namespace Hopseal.Reports.Tlsrpt.Mail;

/// <summary>Finds the reports in a message (RFC 8460 §5.3): in any part that holds one, whatever it is called.</summary>
/// <remarks>Signatures are not checked here: that needs the sender's key from DNS, and the message as it was received.</remarks>
static class ReportMail
{
    static readonly ParserOptions s_parsing = new() { MaxMimeDepth = 20 };
    static readonly ParserOptions s_flat = new() { MaxMimeDepth = 0 };

    /// <summary>Whether it begins as a message does: with a header field.</summary>
    public static bool Looks(ReadOnlySpan<byte> octets)
    {
        var colon = octets.IndexOf((byte)':');
        return colon is > 0 and <= 100 && !octets[..colon].ContainsAnyExceptInRange((byte)'!', (byte)'~');
    }

    /// <exception cref="FormatException">It is no message, or more than any report needs (<see cref="MailTooComplexException"/>).</exception>
    public static MimeMessage Parse(ReadOnlyMemory<byte> octets) => Parse(octets, s_parsing);

    /// <summary>With a body that stays as it came, octet for octet: what reads the parts of one tidies up between them, and a signature covers
    /// that.</summary>
    /// <exception cref="FormatException">As <see cref="Parse(ReadOnlyMemory{byte})"/>.</exception>
    public static MimeMessage ParseFlat(ReadOnlyMemory<byte> octets) => Parse(octets, s_flat);

    static MimeMessage Parse(ReadOnlyMemory<byte> octets, ParserOptions options)
    {
        var message = octets.ToArray();
        MailBounds.Check(options, message);
        using var stream = new MemoryStream(message, writable: false);
        return new MimeParser(options, stream, MimeFormat.Entity).ParseMessage();
    }

    /// <summary>At least one item. Never throws for what is in the message.</summary>
    /// <param name="where">As the items name it; empty for the whole file.</param>
    public static IReadOnlyList<ReportItem> Read(ReadOnlyMemory<byte> octets, string where)
    {
        MimeMessage message;
        try
        {
            message = Parse(octets);
        }
        catch (MailTooComplexException e)
        {
            return [new ReportItem(where, new ReadReport.Rejected(e.Message))];
        }
        catch (FormatException)
        {
            return [new ReportItem(where, new ReadReport.Rejected("it is no message: its header cannot be read"))];
        }

        using (message)
        {
            var found = new MailReading(message).Parts();
            return found.Count > 0
                ? [.. found.Select(item => item with { Where = string.Join(", ", new[] { where, item.Where }.Where(text => text.Length > 0)) })]
                : [new ReportItem(where, new ReadReport.Rejected("the message holds no report"))];
        }
    }
}

/// <summary>One message, and what it says of its reports.</summary>
sealed class MailReading(MimeMessage whole)
{
    const string TlsRpt = "tlsrpt";

    static readonly ReportItem s_tooMany = new("the other parts", new ReadReport.Rejected(
        $"a message may have {ReportLimits.MostParts} parts, and {ReportLimits.MostReports} reports; they were not read"));

    readonly List<(MimeMessage Message, MimePart Part, byte[] Content)> _parts = [];
    int _looked;

    /// <summary>One item for each part that is a report, or is called one, and one for those that are too many.</summary>
    public IReadOnlyList<ReportItem> Parts()
    {
        Gather(whole, whole.Body);
        ReportItem[] items =
        [
            .. _parts.Take(ReportLimits.MostReports).Select(found => Read(found.Message, found.Part, found.Content)).OfType<ReportItem>(),
            .. _parts.Count > ReportLimits.MostReports || _looked > ReportLimits.MostParts ? [s_tooMany] : Array.Empty<ReportItem>(),
        ];
        var several = new ReportWarning("message", "holds several reports, and should hold one");
        return items.Length <= 1 ? items :
        [
            .. items.Select(item => item.Result is ReadReport.Accepted accepted
                ? item with { Result = accepted with { Warnings = [several, .. accepted.Warnings] } }
                : item),
        ];
    }

    /// <param name="message">The innermost one: a report that was forwarded is what it was before.</param>
    void Gather(MimeMessage message, MimeEntity? entity)
    {
        if (entity is null || ++_looked > ReportLimits.MostParts || _parts.Count > ReportLimits.MostReports)
        {
            return;
        }

        switch (entity)
        {
            case Multipart multipart:
                foreach (var child in multipart)
                {
                    Gather(message, child);
                }

                break;
            case MessagePart { Message: { } forwarded }:
                Gather(forwarded, forwarded.Body);
                break;
            case MimePart { Content: { } encoded } part:
                using (var content = new MemoryStream())
                {
                    // No transfer encoding makes anything larger: the bound of the message is the bound of this.
                    encoded.DecodeTo(content);
                    if (PackedReport.Looks(content.GetBuffer().AsSpan(0, (int)content.Length)) || IsCalledReport(part))
                    {
                        _parts.Add((message, part, content.ToArray()));
                    }
                }

                break;
        }
    }

    /// <summary>Null for words to a person that happen to begin as JSON does.</summary>
    static ReportItem? Read(MimeMessage message, MimePart part, byte[] content)
    {
        var notes = new ReportNotes();
        WarnOfMessage(message, notes);
        WarnOfPart(part, content, notes);
        var result = ReportClaims.Compare(PackedReport.Read(content, notes), Claims(message, part), notes);
        var isWords = result is ReadReport.Rejected && part.ContentType.IsMimeType("text", "*") && !part.IsAttachment;
        return isWords ? null : new ReportItem(NameOf(part), result);
    }

    static void WarnOfMessage(MimeMessage message, ReportNotes notes)
    {
        if (message.Body is not MultipartReport report || !string.Equals(report.ReportType, TlsRpt, StringComparison.OrdinalIgnoreCase))
        {
            notes.Warn("message", "is no multipart/report of the type tlsrpt");
        }

        if (message.Headers[HeaderId.Date] is not { } date || !DateUtils.TryParse(date, out _))
        {
            notes.Warn("message", "has no Date, or none that can be read");
        }
    }

    static void WarnOfPart(MimePart part, byte[] content, ReportNotes notes)
    {
        var expected = PackedReport.FormOf(content) is PackedForm.Json ? "tlsrpt+json" : "tlsrpt+gzip";
        if (!part.ContentType.IsMimeType("application", expected))
        {
            notes.Warn("attachment", $"is called {ReportText.Clean(part.ContentType.MimeType, out _)}, and should be application/{expected}");
        }

        PackedReport.WarnOfName(part.FileName, content, "attachment", notes);
    }

    static ReportClaim[] Claims(MimeMessage message, MimePart part) =>
    [
        new("TLS-Report-Domain", ReportClaim.NameOf(message.Headers["TLS-Report-Domain"]), null),
        new("TLS-Report-Submitter", null, ReportClaim.NameOf(message.Headers["TLS-Report-Submitter"])),
        ReportClaim.OfSubject(message.Subject),
        ReportClaim.OfFileName(part.FileName),
    ];

    static bool IsCalledReport(MimePart part) =>
        part.ContentType.MediaSubtype.StartsWith(TlsRpt, StringComparison.OrdinalIgnoreCase)
        || (part.FileName?.TrimEnd() is { } name
            && (name.EndsWith(".json", StringComparison.OrdinalIgnoreCase) || name.EndsWith(".json.gz", StringComparison.OrdinalIgnoreCase)));

    static string NameOf(MimePart part) => part.FileName is { Length: > 0 } name ? ReportText.Clean(name, out _) : "attachment";
}
