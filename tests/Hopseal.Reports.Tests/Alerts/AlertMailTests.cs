using System.Text;
using Hopseal.Dns;
using Hopseal.Reports.Alerts;
using Hopseal.Smtp.Mail;
using Microsoft.Extensions.Time.Testing;
using MimeKit;

namespace Hopseal.Reports.Tests.Alerts;

public sealed class AlertMailTests
{
    [Fact]
    public async Task A_notice_is_a_mail_that_nobody_answers()
    {
        var cancel = TestContext.Current.CancellationToken;
        var to = new Mailbox("postmaster", DomainName.Parse("example.org"));
        var mail = new AlertMail("mx1.example.org", "hopseal@example.org", [to], new FakeTimeProvider(Records.Noon));
        var alert = new Alert(
            7, "queue.age", "queue", AlertSeverity.Critical, $"größer\r\nBcc: somebody@example.net\r\n{new string('ü', 3000)}", "look", Records.Noon, Records.Noon, null, null);

        var stored = await mail.WriteAsync(new AlertNotice(NoticeKind.Opened, alert, Records.Noon), cancel);

        Assert.Null(stored.Envelope.ReturnPath);
        Assert.Equal([to], stored.Envelope.Recipients.Select(recipient => recipient.Mailbox));
        var octets = stored.Content.ToArray();
        Assert.Equal(stored.Size, octets.Length);
        Assert.All(octets, octet => Assert.InRange(octet, 1, 127));
        Assert.All(Encoding.ASCII.GetString(octets).Split("\r\n"), line => Assert.InRange(line.Length, 0, 998));
        using var read = await MimeMessage.LoadAsync(new MemoryStream(octets), cancel);
        Assert.Empty(read.Bcc);
        Assert.Equal("auto-generated", read.Headers[HeaderId.AutoSubmitted]);
        Assert.Contains("größer", read.TextBody, StringComparison.Ordinal);
        Assert.StartsWith("[Hopseal] opened: größer??Bcc", read.Subject, StringComparison.Ordinal);
    }
}
