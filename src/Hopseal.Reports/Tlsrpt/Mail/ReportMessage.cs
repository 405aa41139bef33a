using System.Buffers;
using System.Globalization;
using Hopseal.Dns;
using MimeKit;
using MimeKit.Cryptography;

namespace Hopseal.Reports.Tlsrpt.Mail;

/// <summary>The message that carries a report (RFC 8460 §5.3).</summary>
/// <remarks>It says <c>TLS-Required: No</c> (RFC 8689 §5), because it has to arrive in spite of what it reports: policies that cannot be met must
/// not hold it up (RFC 8460 §3). Nothing in it is secret to the receiver.</remarks>
public static class ReportMessage
{
    // What the left side of a Message-ID may hold (RFC 5322 §3.2.3), less what would look like the end of something.
    static readonly SearchValues<char> s_id =
        SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.+");

    static readonly string[] s_signed =
    [
        "From", "To", "Subject", "Date", "Message-Id", "MIME-Version", "Content-Type", "Auto-Submitted", "TLS-Required",
        "TLS-Report-Domain", "TLS-Report-Submitter",
    ];

    /// <summary>CRLF line ends, 7 bit, signed.</summary>
    /// <param name="report">Its contact is the sender, whose domain is the submitter; its id goes into the subject and the Message-ID.</param>
    /// <param name="domain">Whom it is about: the policy domain whose record asks for it.</param>
    /// <param name="to">From that record.</param>
    /// <param name="date">Of the message.</param>
    /// <param name="signer">Null: unsigned, and so ignored by everybody who follows RFC 8460 §3. For the domain of the contact.</param>
    /// <exception cref="ArgumentException">The report lacks something (<see cref="TlsReportWriter.ToJson"/>), its contact is no address, or its
    /// id holds other than letters, digits and <c>-_.+</c>, or a dot where none may be.</exception>
    public static byte[] Create(TlsReport report, DomainName domain, Hopseal.Smtp.Mail.Mailbox to, DateTimeOffset date, DkimSigner? signer)
    {
        ArgumentNullException.ThrowIfNull(report);
        ArgumentNullException.ThrowIfNull(domain);
        ArgumentNullException.ThrowIfNull(to);
        var submitter = SubmitterOf(report);
        var id = IdOf(report);
        using var message = new MimeMessage
        {
            Date = date,
            MessageId = $"{id}@{submitter}",
            Subject = $"Report Domain: {domain} Submitter: {submitter} Report-ID: <{id}@{submitter}>",
            Body = Body(report, domain, submitter),
        };
        message.From.Add(new MailboxAddress(report.Organization, report.Contact!));
        message.To.Add(new MailboxAddress("", to.ToString()));
        message.Headers.Add("TLS-Report-Domain", domain.Ascii);
        message.Headers.Add("TLS-Report-Submitter", submitter.Ascii);
        message.Headers.Add("TLS-Required", "No");
        message.Headers.Add(HeaderId.AutoSubmitted, "auto-generated");
        message.Prepare(EncodingConstraint.SevenBit);
        signer?.Sign(message, s_signed);

        using var octets = new MemoryStream();
        var format = FormatOptions.Default.Clone();
        format.NewLineFormat = NewLineFormat.Dos;
        message.WriteTo(format, octets);
        return octets.ToArray();
    }

    /// <summary>What <see cref="Create"/> signs with: relaxed, and over the whole body, as RFC 8460 §3 asks.</summary>
    /// <param name="key">An RSA key in PEM, of at least 1024 bits; better 2048 (RFC 8301 §3.2).</param>
    /// <param name="domain">That of the contact.</param>
    /// <param name="selector">Of the TXT record <c>selector._domainkey.domain</c>, which should say <c>s=tlsrpt</c> (RFC 8460 §3).</param>
    /// <exception cref="FormatException">It is no such key.</exception>
    public static DkimSigner Signer(Stream key, DomainName domain, string selector)
    {
        ArgumentNullException.ThrowIfNull(domain);
        return new DkimSigner(key, domain.Ascii, selector, DkimSignatureAlgorithm.RsaSha256)
        {
            HeaderCanonicalizationAlgorithm = DkimCanonicalizationAlgorithm.Relaxed,
            BodyCanonicalizationAlgorithm = DkimCanonicalizationAlgorithm.Relaxed,
        };
    }

    /// <summary>RFC 8460 §5.1, for example <c>mail.sender.example!example.net!1470013200!1470099599.json.gz</c>.</summary>
    public static string FileName(DomainName submitter, DomainName domain, ReportPeriod period) => string.Create(
        CultureInfo.InvariantCulture, $"{submitter}!{domain}!{period.Start.ToUnixTimeSeconds()}!{period.End.ToUnixTimeSeconds()}.json.gz");

    static MultipartReport Body(TlsReport report, DomainName domain, DomainName submitter)
    {
        var words = string.Create(CultureInfo.InvariantCulture, $"""
            This is an aggregate TLS report (RFC 8460) from {submitter} about {domain}, for {report.Period.FirstDay:yyyy-MM-dd} (UTC).
            Sessions with TLS as your policy wants it: {report.Policies.Sum(policy => policy.Successful)}. Others: {report.Policies.Sum(policy => policy.Failed)}.
            The attachment has the details. It is sent because of the record at _smtp._tls.{domain}.

            """);
        return new MultipartReport("tlsrpt")
        {
            new TextPart("plain") { Text = words },
            new MimePart("application", "tlsrpt+gzip")
            {
                Content = new MimeContent(new MemoryStream(TlsReportWriter.ToGzip(report), writable: false)),
                ContentDisposition = new ContentDisposition(ContentDisposition.Attachment),
                ContentTransferEncoding = ContentEncoding.Base64,
                FileName = FileName(submitter, domain, report.Period),
            },
        };
    }

    static DomainName SubmitterOf(TlsReport report) => ReportClaims.SubmitterOf(report) is { } submitter && MailboxAddress.TryParse(report.Contact, out _)
        ? submitter
        : throw new ArgumentException("the contact of the report is no mail address", nameof(report));

    static string IdOf(TlsReport report) =>
        report.Id is { Length: > 0 and <= 100 } id && !id.AsSpan().ContainsAnyExcept(s_id) && !id.StartsWith('.') && !id.EndsWith('.')
            && !id.Contains("..", StringComparison.Ordinal)
            ? id
            : throw new ArgumentException("the id of the report cannot be part of a Message-ID", nameof(report));
}
