using System.Collections.Immutable;
using System.Text;
using FsCheck.Xunit;
using Hopseal.Relay.Dsn;
using Hopseal.Relay.Queue;
using Hopseal.Relay.Tests.Attempt;
using Hopseal.Smtp.Mail;
using Hopseal.Smtp.Wire;
using Microsoft.Extensions.Time.Testing;
using MimeKit;

namespace Hopseal.Relay.Tests.Dsn;

public sealed class FailureReportTests
{
    static readonly FailureReport s_reports = new("gw.example.org", new FakeTimeProvider(Samples.Noon + TimeSpan.FromDays(5)));

    static readonly RecipientOutcome.Bounced s_unknown = new(
        new EnhancedStatus(5, 1, 1),
        "mx.example.org:25 (192.0.2.1) said \"550 5.1.1 no such user\" in reply to RCPT TO",
        new RemoteWord("mx.example.org", new SmtpReply(550, new EnhancedStatus(5, 1, 1), "no such user")));

    [Fact]
    public async Task It_is_what_RFC_3464_wants_when_somebody_else_parses_it()
    {
        var (stored, message) = await WriteAsync(Samples.Lease(), Samples.Content.ToArray(), ("bob@example.org", s_unknown));

        Assert.Null(stored.Envelope.ReturnPath);
        Assert.Equal("sender@example.net", Assert.Single(stored.Envelope.Recipients).ToString());
        Assert.Equal((stored.Content.Length, BodyType.SevenBit, false), ((int)stored.Size, stored.Envelope.Body, stored.Envelope.SmtpUtf8));
        Assert.Equal("MAILER-DAEMON@gw.example.org", Assert.Single(message.From.Mailboxes).Address);
        Assert.Equal("sender@example.net", Assert.Single(message.To.Mailboxes).Address);
        Assert.Equal("auto-replied", message.Headers[HeaderId.AutoSubmitted]);
        Assert.Equal("one@example.net", message.InReplyTo);
        Assert.Equal("Undelivered mail to bob@example.org", message.Subject);
        Assert.Equal(Samples.Noon + TimeSpan.FromDays(5), message.Date);

        var report = Assert.IsType<MultipartReport>(message.Body);
        Assert.Equal("delivery-status", report.ReportType);
        Assert.Equal(3, report.Count);
        var status = Assert.IsType<MessageDeliveryStatus>(report[1]);
        Assert.Equal(2, status.StatusGroups.Count);
        Assert.Equal("dns; gw.example.org", status.StatusGroups[0]["Reporting-MTA"]);
        Assert.Equal("Sun, 01 Mar 2026 12:00:00 +0000", status.StatusGroups[0]["Arrival-Date"]);
        var recipient = status.StatusGroups[1];
        Assert.Equal("rfc822; bob@example.org", recipient["Final-Recipient"]);
        Assert.Equal("failed", recipient["Action"]);
        Assert.Equal("5.1.1", recipient["Status"]);
        Assert.Equal("dns; mx.example.org", recipient["Remote-MTA"]);
        Assert.Equal("smtp; 550 5.1.1 no such user", recipient["Diagnostic-Code"]);
        Assert.Equal("text/rfc822-headers", report[2].ContentType.MimeType);
        Assert.Contains("Subject: hello\r\n", Text(stored), StringComparison.Ordinal);
        Assert.DoesNotContain("body\r\n", Text(stored), StringComparison.Ordinal);
    }

    [Fact]
    public async Task People_read_why_security_was_missed()
    {
        var bounced = new RecipientOutcome.Bounced(
            new EnhancedStatus(5, 4, 7),
            "given up after 5 days; the last attempt failed: mx.example.org:25 (192.0.2.1): encryption is required (configured: Outbound.Rules[0]), but it does not offer STARTTLS (not-offered)",
            new RemoteWord("mx.example.org", null));

        var (_, message) = await WriteAsync(Samples.Lease(), Samples.Content.ToArray(), ("bob@example.org", bounced));

        var words = message.TextBody!.ReplaceLineEndings(" ");
        Assert.Contains("<bob@example.org>", words, StringComparison.Ordinal);
        Assert.Contains("it does not offer STARTTLS", Squeezed(words), StringComparison.Ordinal);
        Assert.Contains("01jn8f3k6c0000000000000001", words, StringComparison.Ordinal);
        Assert.All(message.TextBody!.ReplaceLineEndings("\n").Split('\n'), line => Assert.InRange(line.Length, 0, 78));
        var status = Assert.IsType<MessageDeliveryStatus>(Assert.IsType<MultipartReport>(message.Body)[1]);
        Assert.StartsWith("x-hopseal; given up after 5 days", status.StatusGroups[1]["Diagnostic-Code"], StringComparison.Ordinal);
    }

    [Fact]
    public async Task One_report_tells_of_all_recipients()
    {
        var (_, message) = await WriteAsync(
            Samples.Lease("a@example.org", "b@example.org"), Samples.Content.ToArray(), ("a@example.org", s_unknown), ("b@example.org", s_unknown));

        var status = Assert.IsType<MessageDeliveryStatus>(Assert.IsType<MultipartReport>(message.Body)[1]);
        Assert.Equal(
            ["rfc822; a@example.org", "rfc822; b@example.org"], status.StatusGroups.Skip(1).Select(group => group["Final-Recipient"]));
        Assert.Equal("Undelivered mail to 2 recipients", message.Subject);
    }

    [Fact]
    public async Task The_quoted_header_is_bounded_and_ends_with_a_whole_line()
    {
        var content = new StringBuilder();
        for (var i = 0; i < 100_000; i++)
        {
            content.Append("X-Filler: 0123456789\r\n");
        }

        var (stored, _) = await WriteAsync(Samples.Lease(), Encoding.ASCII.GetBytes(content.ToString()), ("bob@example.org", s_unknown));

        Assert.InRange(stored.Size, 60_000, 80_000);
        Assert.DoesNotContain("X-Filler: 0123\r\n", Text(stored), StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_address_beyond_ascii_stays_readable_for_a_7_bit_world()
    {
        var recipient = new Mailbox("jörg+x", Hopseal.Dns.DomainName.Parse("example.org"));
        var lease = Samples.Lease() with { Pending = Samples.Lease().Pending with { Recipients = [recipient] } };

        var stored = await s_reports.WriteAsync(lease, [(recipient, s_unknown)], Opening(Samples.Content.ToArray()), TestContext.Current.CancellationToken);

        Assert.True(Ascii.IsValid(stored.Content.Span));
        Assert.False(stored.Envelope.SmtpUtf8);
        Assert.Contains(@"Final-Recipient: utf-8; j\x{F6}rg\x{2B}x@example.org", Text(stored), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_sender_beyond_ascii_gets_a_report_that_needs_smtputf8()
    {
        var sender = new Mailbox("jörg", Hopseal.Dns.DomainName.Parse("example.net"));
        var lease = Samples.Lease() with { Pending = Samples.Lease().Pending with { ReturnPath = sender } };

        var (stored, message) = await WriteAsync(lease, Samples.Content.ToArray(), ("bob@example.org", s_unknown));

        Assert.Equal((true, BodyType.EightBitMime), (stored.Envelope.SmtpUtf8, stored.Envelope.Body));
        Assert.Equal("jörg@example.net", Assert.Single(message.To.Mailboxes).Address);
    }

    [Fact]
    public async Task A_header_beyond_7_bit_is_encoded()
    {
        var (stored, message) = await WriteAsync(
            Samples.Lease(), "Subject: grüße\r\n\r\nbody"u8.ToArray(), ("bob@example.org", s_unknown));

        Assert.True(Ascii.IsValid(stored.Content.Span));
        Assert.Contains("Subject: gr=C3=BC=C3=9Fe", Text(stored), StringComparison.Ordinal);
        Assert.Equal(3, Assert.IsType<MultipartReport>(message.Body).Count);
    }

    [Fact]
    public async Task Without_the_content_it_goes_without_the_header()
    {
        var stored = await s_reports.WriteAsync(
            Samples.Lease(),
            [(Samples.Mailbox("bob@example.org"), s_unknown)],
            _ => throw new QueueStoreException("gone"),
            TestContext.Current.CancellationToken);

        Assert.Equal(2, Assert.IsType<MultipartReport>((await ParseAsync(stored)).Body).Count);
    }

    [Fact]
    public async Task The_null_sender_gets_none()
    {
        var lease = Samples.Lease() with { Pending = Samples.Lease().Pending with { ReturnPath = null } };

        await Assert.ThrowsAsync<ArgumentException>(() => WriteAsync(lease, [], ("bob@example.org", s_unknown)));
    }

    [Property(MaxTest = 300)]
    public async Task Whatever_the_message_and_the_peer_said_it_can_be_written_and_read(byte[] content, string said, string local)
    {
        var reply = new SmtpReply(550, said ?? "");
        var bounced = new RecipientOutcome.Bounced(new EnhancedStatus(5, 0, 0), said ?? "", new RemoteWord("[192.0.2.1]", reply));
        var clean = string.Concat((local ?? "").Where(character => !char.IsControl(character) && !char.IsSurrogate(character)).Take(64));
        var sender = new Mailbox(clean.Length == 0 ? "x" : clean, Hopseal.Dns.DomainName.Parse("example.net"));
        var lease = Samples.Lease() with { Pending = Samples.Lease().Pending with { ReturnPath = sender } };

        var (stored, message) = await WriteAsync(lease, content ?? [], ("bob@example.org", bounced));

        Assert.Equal(stored.Size, stored.Content.Length);
        Assert.Equal("delivery-status", Assert.IsType<MultipartReport>(message.Body).ReportType);
        Assert.Equal(-1, Text(stored).Replace("\r\n", "", StringComparison.Ordinal).AsSpan().IndexOfAny('\r', '\n'));
    }

    static async Task<(StoredMessage Stored, MimeMessage Message)> WriteAsync(
        QueueLease lease, byte[] content, params (string Recipient, RecipientOutcome.Bounced Outcome)[] bounced)
    {
        ImmutableArray<(Mailbox, RecipientOutcome.Bounced)> recipients = [.. bounced.Select(entry => (Samples.Mailbox(entry.Recipient), entry.Outcome))];
        var stored = await s_reports.WriteAsync(lease, recipients, Opening(content), TestContext.Current.CancellationToken);
        return (stored, await ParseAsync(stored));
    }

    static Func<CancellationToken, ValueTask<Stream>> Opening(byte[] content) => _ => ValueTask.FromResult<Stream>(new MemoryStream(content));

    static Task<MimeMessage> ParseAsync(StoredMessage stored) =>
        MimeMessage.LoadAsync(new MemoryStream(stored.Content.ToArray()), TestContext.Current.CancellationToken);

    static string Text(StoredMessage stored) => Encoding.UTF8.GetString(stored.Content.Span);

    static string Squeezed(string text) => string.Join(' ', text.Split(' ', StringSplitOptions.RemoveEmptyEntries));
}
