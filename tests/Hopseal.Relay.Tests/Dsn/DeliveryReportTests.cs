using System.Collections.Immutable;
using System.Text;
using FsCheck.Xunit;
using Hopseal.Relay.Dsn;
using Hopseal.Relay.Queue;
using Hopseal.Relay.Tests.Attempt;
using Hopseal.Smtp.Mail;
using Hopseal.Smtp.Tls;
using Hopseal.Smtp.Wire;
using Microsoft.Extensions.Time.Testing;
using MimeKit;

namespace Hopseal.Relay.Tests.Dsn;

public sealed class DeliveryReportTests
{
    static readonly DateTimeOffset s_now = Samples.Noon + TimeSpan.FromDays(5);
    static readonly DeliveryReport s_reports = new("gw.example.org", new FakeTimeProvider(s_now));

    static readonly RecipientOutcome.Bounced s_unknown = new(
        new EnhancedStatus(5, 1, 1),
        "mx.example.org:25 (192.0.2.1) said \"550 5.1.1 no such user\" in reply to RCPT TO",
        new RemoteWord("mx.example.org", new SmtpReply(550, new EnhancedStatus(5, 1, 1), "no such user")));

    static readonly Recipient s_bob = Samples.Mailbox("bob@example.org");

    [Fact]
    public async Task It_is_what_RFC_3464_wants_when_somebody_else_parses_it()
    {
        var (stored, message) = await WriteAsync(Samples.Lease(), s_unknown);

        Assert.Null(stored.Envelope.ReturnPath);
        Assert.Equal("sender@example.net", Assert.Single(stored.Envelope.Recipients).ToString());
        Assert.Equal((stored.Content.Length, BodyType.SevenBit, false), ((int)stored.Size, stored.Envelope.Body, stored.Envelope.SmtpUtf8));
        Assert.Equal("MAILER-DAEMON@gw.example.org", Assert.Single(message.From.Mailboxes).Address);
        Assert.Equal("sender@example.net", Assert.Single(message.To.Mailboxes).Address);
        Assert.Equal("auto-replied", message.Headers[HeaderId.AutoSubmitted]);
        Assert.Equal("one@example.net", message.InReplyTo);
        Assert.Equal("Undelivered mail to bob@example.org", message.Subject);
        Assert.Equal(s_now, message.Date);

        var report = Assert.IsType<MultipartReport>(message.Body);
        Assert.Equal("delivery-status", report.ReportType);
        Assert.Equal(3, report.Count);
        Assert.Equal(
            [
                "Reporting-MTA: dns; gw.example.org",
                "Arrival-Date: Sun, 01 Mar 2026 12:00:00 +0000",
                "X-Hopseal-Queue-Id: 01jn8f3k6c0000000000000001",
            ],
            Fields(message, 0));
        Assert.Equal(
            [
                "Final-Recipient: rfc822;bob@example.org",
                "Action: failed",
                "Status: 5.1.1",
                "Remote-MTA: dns; mx.example.org",
                "Diagnostic-Code: smtp; 550 5.1.1 no such user",
                "Last-Attempt-Date: Fri, 06 Mar 2026 12:00:00 +0000",
            ],
            Fields(message, 1));
        Assert.Equal("text/rfc822-headers", report[2].ContentType.MimeType);
        Assert.Contains("Subject: hello\r\n", Text(stored), StringComparison.Ordinal);
        Assert.DoesNotContain("body\r\n", Text(stored), StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_the_sender_called_the_message_and_its_recipient_comes_back()
    {
        var lease = Lease(envelope => envelope with { EnvelopeId = "QQ 314=159" });
        var recipient = s_bob with { Original = new OriginalRecipient("rfc822", "Bob+x@Elsewhere.example") };

        var (_, message) = await WriteAsync(lease, s_unknown, recipient);

        Assert.Contains("Original-Envelope-Id: QQ 314=159", Fields(message, 0));
        Assert.Contains("Original-Recipient: rfc822;Bob+x@Elsewhere.example", Fields(message, 1));
    }

    [Fact]
    public async Task A_delay_says_until_when_it_is_tried()
    {
        var waiting = new ReportedRecipient(s_bob, new EnhancedStatus(4, 4, 1), "mx.example.org cannot be reached", new RemoteWord("mx.example.org", null));

        var message = await ParseAsync(await WriteAsync(Samples.Lease(), ReportAction.Delayed, waiting));

        Assert.Equal("Delayed mail to bob@example.org", message.Subject);
        Assert.Contains("could not be delivered to the address below yet", Words(message), StringComparison.Ordinal);
        Assert.Contains("It is tried again until 2026-03-06 12:00:00 UTC; there is no need to send it again.", Words(message), StringComparison.Ordinal);
        Assert.Equal(
            [
                "Final-Recipient: rfc822;bob@example.org",
                "Action: delayed",
                "Status: 4.4.1",
                "Remote-MTA: dns; mx.example.org",
                "Diagnostic-Code: x-hopseal; mx.example.org cannot be reached",
                "Will-Retry-Until: Fri, 06 Mar 2026 12:00:00 +0000",
            ],
            Fields(message, 1));
    }

    [Fact]
    public async Task A_success_names_who_has_the_message_now()
    {
        var reply = new SmtpReply(250, new EnhancedStatus(2, 6, 0), "queued as 1");
        var relayed = new RecipientOutcome.Delivered(reply, DeliveredTo.SilentHost, new RemoteWord("mx.example.org", reply));
        var kept = new RecipientOutcome.Delivered(new SmtpReply(250, new EnhancedStatus(2, 0, 0), "kept"), DeliveredTo.Mailbox);

        var handed = await ParseAsync(await WriteAsync(Samples.Lease(), ReportAction.Relayed, ReportedRecipient.Of(s_bob, relayed, s_now)));
        var delivered = await ParseAsync(await WriteAsync(Samples.Lease(), ReportAction.Delivered, ReportedRecipient.Of(s_bob, kept, s_now)));

        Assert.Contains("mx.example.org took it and said \"250 2.6.0 queued as 1\"", Words(handed), StringComparison.Ordinal);
        Assert.Equal(
            ["Action: relayed", "Status: 2.6.0", "Remote-MTA: dns; mx.example.org", "Diagnostic-Code: smtp; 250 2.6.0 queued as 1"],
            Fields(handed, 1)[1..5]);
        Assert.Equal("Delivered mail to bob@example.org", delivered.Subject);
        Assert.Equal(["Action: delivered", "Status: 2.0.0", "Last-Attempt-Date: Fri, 06 Mar 2026 12:00:00 +0000"], Fields(delivered, 1)[1..]);
    }

    [Fact]
    public async Task People_and_machines_read_why_security_was_missed()
    {
        var bounced = new RecipientOutcome.Bounced(
            new EnhancedStatus(5, 4, 7),
            "given up after 5 days; the last attempt failed: mx.example.org:25 (192.0.2.1): encryption is required (configured: Outbound.Rules[0]), but it does not start TLS (not-offered)",
            new RemoteWord("mx.example.org", null),
            new MissedFloor(SecurityFloor.Encrypted, "configured: Outbound.Rules[0]", SecurityFloor.Plaintext, [TlsResultType.StarttlsNotSupported]));

        var (_, message) = await WriteAsync(Samples.Lease(), bounced);

        Assert.Contains("<bob@example.org>", Words(message), StringComparison.Ordinal);
        Assert.Contains("it does not start TLS", Words(message), StringComparison.Ordinal);
        Assert.Contains("01jn8f3k6c0000000000000001", Words(message), StringComparison.Ordinal);
        Assert.All(message.TextBody!.ReplaceLineEndings("\n").Split('\n'), line => Assert.InRange(line.Length, 0, 78));
        var fields = Fields(message, 1);
        Assert.Contains(fields, field => field.StartsWith("Diagnostic-Code: x-hopseal; given up after 5 days", StringComparison.Ordinal));
        Assert.Contains(
            "X-Hopseal-Transport-Security: required=encrypted; reached=plaintext; failure=starttls-not-supported; source=configured: Outbound.Rules[0]",
            fields);
    }

    [Fact]
    public async Task One_report_tells_of_all_recipients()
    {
        var message = await ParseAsync(await WriteAsync(
            Samples.Lease("a@example.org", "b@example.org"),
            ReportAction.Failed,
            ReportedRecipient.Of(Samples.Mailbox("a@example.org"), s_unknown, s_now),
            ReportedRecipient.Of(Samples.Mailbox("b@example.org"), s_unknown, s_now)));

        Assert.Equal("Final-Recipient: rfc822;a@example.org", Fields(message, 1)[0]);
        Assert.Equal("Final-Recipient: rfc822;b@example.org", Fields(message, 2)[0]);
        Assert.Equal("Undelivered mail to 2 recipients", message.Subject);
    }

    [Theory]
    [InlineData(DsnReturn.Full, ReportAction.Failed, "message/rfc822")]
    [InlineData(DsnReturn.HeadersOnly, ReportAction.Failed, "text/rfc822-headers")]
    [InlineData(null, ReportAction.Failed, "text/rfc822-headers")]
    [InlineData(DsnReturn.Full, ReportAction.Delayed, "text/rfc822-headers")]
    [InlineData(DsnReturn.Full, ReportAction.Relayed, "text/rfc822-headers")]
    [InlineData(DsnReturn.Full, ReportAction.Delivered, "text/rfc822-headers")]
    public async Task The_whole_message_comes_back_only_from_a_failure_and_only_when_asked_for(DsnReturn? what, ReportAction action, string type)
    {
        var stored = await WriteAsync(Lease(envelope => envelope with { Return = what }), action, ReportedRecipient.Of(s_bob, s_unknown, s_now));
        var report = Assert.IsType<MultipartReport>((await ParseAsync(stored)).Body);

        Assert.Equal(type, report[2].ContentType.MimeType);
        Assert.Equal(type == "message/rfc822", Text(stored).Contains("\r\nbody\r\n", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_whole_message_beyond_7_bit_comes_back_octet_by_octet()
    {
        var content = "Subject: grüße\r\n\r\n\0bin\rary\n"u8.ToArray();
        var lease = Lease(envelope => envelope with { Return = DsnReturn.Full }) with { Size = content.Length };

        var (stored, message) = await WriteAsync(lease, s_unknown, content: content);

        Assert.True(Ascii.IsValid(stored.Content.Span));
        var part = Assert.IsType<MultipartReport>(message.Body)[2];
        Assert.Equal("message/global", part.ContentType.MimeType);
        Assert.Contains(Convert.ToBase64String(content), Text(stored), StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_is_too_large_comes_back_as_its_header()
    {
        var content = Encoding.ASCII.GetBytes("Subject: large\r\n\r\n" + new string('x', 300 * 1024));
        var lease = Lease(envelope => envelope with { Return = DsnReturn.Full }) with { Size = content.Length };

        var (stored, message) = await WriteAsync(lease, s_unknown, content: content);

        Assert.Equal("text/rfc822-headers", Assert.IsType<MultipartReport>(message.Body)[2].ContentType.MimeType);
        Assert.InRange(stored.Size, 0, 10_000);
    }

    [Fact]
    public async Task The_quoted_header_is_bounded_and_ends_with_a_whole_line()
    {
        var content = string.Concat(Enumerable.Repeat("X-Filler: 0123456789\r\n", 100_000));

        var (stored, _) = await WriteAsync(Samples.Lease(), s_unknown, content: Encoding.ASCII.GetBytes(content));

        Assert.InRange(stored.Size, 60_000, 80_000);
        Assert.DoesNotContain("X-Filler: 0123\r\n", Text(stored), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Addresses_beyond_ascii_stay_readable_for_a_7_bit_world()
    {
        var mailbox = new Mailbox("jörg+x", Hopseal.Dns.DomainName.Parse("example.org"));

        var (stored, _) = await WriteAsync(
            Samples.Lease(), s_unknown, new Recipient(mailbox, Original: new OriginalRecipient("utf-8", "用户@example.org")));

        Assert.True(Ascii.IsValid(stored.Content.Span));
        Assert.False(stored.Envelope.SmtpUtf8);
        Assert.Contains(@"Final-Recipient: utf-8;j\x{F6}rg\x{2B}x@example.org", Text(stored), StringComparison.Ordinal);
        Assert.Contains(@"Original-Recipient: utf-8;\x{7528}\x{6237}@example.org", Text(stored), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_sender_beyond_ascii_gets_a_report_that_needs_smtputf8()
    {
        var sender = new Mailbox("jörg", Hopseal.Dns.DomainName.Parse("example.net"));

        var (stored, message) = await WriteAsync(Lease(envelope => envelope with { ReturnPath = sender }), s_unknown);

        Assert.Equal((true, BodyType.EightBitMime), (stored.Envelope.SmtpUtf8, stored.Envelope.Body));
        Assert.Equal("jörg@example.net", Assert.Single(message.To.Mailboxes).Address);
    }

    [Theory]
    [InlineData(false, "text/rfc822-headers")]
    [InlineData(true, "message/global-headers")]
    public async Task A_header_beyond_7_bit_is_encoded(bool smtpUtf8, string type)
    {
        var (stored, message) = await WriteAsync(
            Lease(envelope => envelope with { SmtpUtf8 = smtpUtf8 }), s_unknown, content: "Subject: grüße\r\n\r\nbody"u8.ToArray());

        Assert.True(Ascii.IsValid(stored.Content.Span));
        Assert.Contains("Subject: gr=C3=BC=C3=9Fe", Text(stored), StringComparison.Ordinal);
        Assert.Equal(type, Assert.IsType<MultipartReport>(message.Body)[2].ContentType.MimeType);
    }

    [Fact]
    public async Task Without_the_content_it_goes_without_the_header()
    {
        var stored = await s_reports.WriteAsync(
            ReportedMessage.Of(Samples.Lease()),
            ReportAction.Failed,
            [ReportedRecipient.Of(s_bob, s_unknown, s_now)],
            _ => throw new QueueStoreException("gone"),
            TestContext.Current.CancellationToken);

        Assert.Equal(2, Assert.IsType<MultipartReport>((await ParseAsync(stored)).Body).Count);
    }

    [Fact]
    public async Task The_null_sender_gets_none() => await Assert.ThrowsAsync<ArgumentException>(
        () => WriteAsync(Lease(envelope => envelope with { ReturnPath = null }), s_unknown));

    [Property(MaxTest = 300)]
    public async Task Whatever_the_message_and_the_peer_said_it_can_be_written_and_read(byte[] content, string said, string local, bool whole, int action)
    {
        var reply = new SmtpReply(550, said ?? "");
        var bounced = new RecipientOutcome.Bounced(new EnhancedStatus(5, 0, 0), said ?? "", new RemoteWord("[192.0.2.1]", reply));
        var clean = string.Concat((local ?? "").Where(character => !char.IsControl(character) && !char.IsSurrogate(character)).Take(64).DefaultIfEmpty('x'));
        var printable = string.Concat((said ?? "").Where(character => character is >= ' ' and <= '~').Take(100).DefaultIfEmpty('x'));
        var sender = new Mailbox(clean, Hopseal.Dns.DomainName.Parse("example.net"));
        var lease = Lease(envelope => envelope with { ReturnPath = sender, EnvelopeId = printable, Return = whole ? DsnReturn.Full : null })
            with
        { Size = content?.Length ?? 0 };
        var recipient = s_bob with { Original = new OriginalRecipient("utf-8", clean) };

        var stored = await WriteAsync(
            lease, (ReportAction)((uint)action % 4), content ?? [], ReportedRecipient.Of(recipient, bounced, s_now));

        var message = await ParseAsync(stored);
        Assert.Equal(stored.Size, stored.Content.Length);
        Assert.Equal("delivery-status", Assert.IsType<MultipartReport>(message.Body).ReportType);
        Assert.Equal(2, Status(message).StatusGroups.Count);
        Assert.Equal(-1, Text(stored).Replace("\r\n", "", StringComparison.Ordinal).AsSpan().IndexOfAny('\r', '\n'));
    }

    /// <summary>RFC 8689 §5: whatever RET says, and the report is protected as its message was.</summary>
    [Theory]
    [InlineData(MessageTls.Unspecified, true)]
    [InlineData(MessageTls.Optional, true)]
    [InlineData(MessageTls.Required, false)]
    public async Task A_message_that_requires_tls_comes_back_as_its_header(MessageTls tls, bool whole)
    {
        var lease = Lease(envelope => envelope with { Return = DsnReturn.Full, Tls = tls });

        var (stored, message) = await WriteAsync(lease, s_unknown);

        Assert.Equal(whole, Text(stored).Contains("body\r\n", StringComparison.Ordinal));
        Assert.Contains("Subject: hello\r\n", Text(stored), StringComparison.Ordinal);
        Assert.Equal(tls, stored.Envelope.Tls);
        Assert.Equal(tls is MessageTls.Optional ? "No" : null, message.Headers["TLS-Required"]);
    }

    [Theory]
    [InlineData(MessageTls.Required, 30, true)]
    [InlineData(MessageTls.Required, 10, true)]
    [InlineData(MessageTls.Required, 1, false)]
    [InlineData(MessageTls.Unspecified, 30, false)]
    public async Task Who_required_tls_is_told_what_to_do(MessageTls tls, int detail, bool told)
    {
        var lease = Lease(envelope => envelope with { Tls = tls });

        var (_, message) = await WriteAsync(lease, new RecipientOutcome.Bounced(new EnhancedStatus(5, 7, (ushort)detail), "no"));

        Assert.Equal(told, Words(message).Contains("send it again without that request", StringComparison.Ordinal));
    }

    static QueueLease Lease(Func<Envelope, Envelope> change)
    {
        var lease = Samples.Lease();
        return lease with { Pending = change(lease.Pending) };
    }

    static async Task<(StoredMessage Stored, MimeMessage Message)> WriteAsync(
        QueueLease lease, RecipientOutcome.Bounced outcome, Recipient? recipient = null, byte[]? content = null)
    {
        var stored = await WriteAsync(
            lease, ReportAction.Failed, content ?? Samples.Content.ToArray(), ReportedRecipient.Of(recipient ?? s_bob, outcome, s_now));
        return (stored, await ParseAsync(stored));
    }

    static Task<StoredMessage> WriteAsync(QueueLease lease, ReportAction action, params ReportedRecipient[] recipients) =>
        WriteAsync(lease, action, Samples.Content.ToArray(), recipients);

    static async Task<StoredMessage> WriteAsync(QueueLease lease, ReportAction action, byte[] content, params ReportedRecipient[] recipients) =>
        await s_reports.WriteAsync(
            ReportedMessage.Of(lease),
            action,
            [.. recipients],
            _ => ValueTask.FromResult<Stream>(new MemoryStream(content)),
            TestContext.Current.CancellationToken);

    static Task<MimeMessage> ParseAsync(StoredMessage stored) =>
        MimeMessage.LoadAsync(new MemoryStream(stored.Content.ToArray()), TestContext.Current.CancellationToken);

    static ImmutableArray<string> Fields(MimeMessage message, int group) =>
        [.. Status(message).StatusGroups[group].Select(header => $"{header.Field}: {header.Value}")];

    static MessageDeliveryStatus Status(MimeMessage message) =>
        Assert.IsType<MessageDeliveryStatus>(Assert.IsType<MultipartReport>(message.Body)[1]);

    static string Words(MimeMessage message) =>
        string.Join(' ', message.TextBody!.Split((char[])[' ', '\r', '\n'], StringSplitOptions.RemoveEmptyEntries));

    static string Text(StoredMessage stored) => Encoding.UTF8.GetString(stored.Content.Span);
}
