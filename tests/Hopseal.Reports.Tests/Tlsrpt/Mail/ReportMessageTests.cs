using System.Security.Cryptography;
using System.Text;
using Hopseal.Dns;
using Hopseal.Reports.Tlsrpt;
using Hopseal.Reports.Tlsrpt.Mail;
using Hopseal.Smtp.Mail;
using MimeKit;
using MimeKit.Cryptography;
using Org.BouncyCastle.Crypto;

namespace Hopseal.Reports.Tests.Tlsrpt.Mail;

public sealed class ReportMessageTests
{
    static readonly DateTimeOffset s_date = new(2026, 11, 2, 3, 0, 0, TimeSpan.Zero);
    static readonly DomainName s_domain = DomainName.Parse("company-y.example");
    static readonly Mailbox s_to = new("tls-reports", s_domain);
    static readonly RSA s_key = RSA.Create(2048);

    [Fact]
    public void A_message_is_what_the_standard_describes()
    {
        var text = Encoding.ASCII.GetString(Create(signer: null));
        using var message = MimeMessage.Load(new MemoryStream(Encoding.ASCII.GetBytes(text)), TestContext.Current.CancellationToken);

        Assert.Equal("Report Domain: company-y.example Submitter: company-x.example Report-ID: <5065427c-23d3@company-x.example>", message.Subject);
        Assert.Equal("company-y.example", message.Headers["TLS-Report-Domain"]);
        Assert.Equal("company-x.example", message.Headers["TLS-Report-Submitter"]);
        Assert.Equal("No", message.Headers["TLS-Required"]);
        Assert.Equal("auto-generated", message.Headers[HeaderId.AutoSubmitted]);
        Assert.Equal("5065427c-23d3@company-x.example", message.MessageId);
        var report = Assert.IsType<MultipartReport>(message.Body);
        Assert.Equal("tlsrpt", report.ReportType);
        Assert.Equal(["text/plain", "application/tlsrpt+gzip"], report.Select(part => part.ContentType.MimeType));
        Assert.Equal("company-x.example!company-y.example!1793491200!1793577599.json.gz", ((MimePart)report[1]).FileName);
        Assert.DoesNotContain("\n", text.Replace("\r\n", "", StringComparison.Ordinal), StringComparison.Ordinal);
        Assert.All(text.Split("\r\n"), line => Assert.True(line.Length <= 998));
    }

    [Fact]
    public async Task It_is_read_back_without_a_warning()
    {
        await using var octets = new MemoryStream(Create(signer: null));
        var items = new List<ReportItem>();
        await foreach (var item in ReportFile.ReadAsync(octets, "mail", TestContext.Current.CancellationToken))
        {
            items.Add(item);
        }

        var read = Assert.IsType<ReadReport.Accepted>(Assert.Single(items).Result);
        Assert.Empty(read.Warnings);
        Assert.Equal(TlsReportWriter.ToJson(Report()), TlsReportWriter.ToJson(read.Report));
    }

    [Fact]
    public void The_signature_is_valid_and_covers_the_whole_message_and_what_it_says_of_itself()
    {
        using var message = Load(Create(Signer()));
        var signature = message.Headers[message.Headers.IndexOf(HeaderId.DkimSignature)];

        Assert.True(new DkimVerifier(new OneKey()).Verify(message, signature, TestContext.Current.CancellationToken));
        var tags = signature.Value.Split(';').Select(tag => tag.Trim().Split('=', 2)).ToDictionary(tag => tag[0], tag => tag[1]);
        Assert.Equal(("company-x.example", "reports", "rsa-sha256"), (tags["d"], tags["s"], tags["a"]));
        Assert.False(tags.ContainsKey("l"));
        Assert.Equal(
            "From:To:Subject:Date:Message-Id:MIME-Version:Content-Type:Auto-Submitted:TLS-Required:TLS-Report-Domain:TLS-Report-Submitter",
            string.Concat(tags["h"].Where(character => !char.IsWhiteSpace(character))),
            ignoreCase: true);
    }

    [Theory]
    [InlineData("TLS-Report-Domain: company-y.example", "TLS-Report-Domain: company-z.example")]
    [InlineData("Submitter: company-x.example", "Submitter: company-z.example")]
    [InlineData("This is an aggregate", "This is no aggregate")]
    public void A_change_breaks_the_signature(string what, string other)
    {
        var text = Encoding.ASCII.GetString(Create(Signer()));
        Assert.Contains(what, text, StringComparison.Ordinal);

        using var message = Load(Encoding.ASCII.GetBytes(text.Replace(what, other, StringComparison.Ordinal)));

        var signature = message.Headers[message.Headers.IndexOf(HeaderId.DkimSignature)];
        Assert.False(new DkimVerifier(new OneKey()).Verify(message, signature, TestContext.Current.CancellationToken));
    }

    [Theory]
    [InlineData("no address", "1")]
    [InlineData("tls@company-x.example", "")]
    [InlineData("tls@company-x.example", "a>b")]
    [InlineData("tls@company-x.example", "a\r\nBcc: b")]
    [InlineData("tls@company-x.example", ".a")]
    [InlineData("tls@company-x.example", "a..b")]
    public void What_would_break_the_header_is_refused(string contact, string id) => Assert.Throws<ArgumentException>(
        () => ReportMessage.Create(Report() with { Contact = contact, Id = id }, s_domain, s_to, s_date, signer: null));

    [Fact]
    public void What_is_no_key_is_refused() =>
        Assert.Throws<FormatException>(() => ReportMessage.Signer(new MemoryStream("no key"u8.ToArray()), DomainName.Parse("company-x.example"), "reports"));

    /// <summary>About one policy domain, as reports that are sent are.</summary>
    static TlsReport Report() => SampleReports.Full with { Organization = "Bücher & Co", Policies = [SampleReports.Full.Policies[0]] };

    static byte[] Create(DkimSigner? signer) => ReportMessage.Create(Report(), s_domain, s_to, s_date, signer);

    static DkimSigner Signer() => ReportMessage.Signer(
        new MemoryStream(Encoding.ASCII.GetBytes(s_key.ExportRSAPrivateKeyPem())), DomainName.Parse("company-x.example"), "reports");

    static MimeMessage Load(byte[] octets) => MimeMessage.Load(new MemoryStream(octets), TestContext.Current.CancellationToken);

    sealed class OneKey : DkimPublicKeyLocatorBase
    {
        static string Record => $"v=DKIM1; s=tlsrpt; p={Convert.ToBase64String(s_key.ExportSubjectPublicKeyInfo())}";

        public override AsymmetricKeyParameter LocatePublicKey(string methods, string domain, string selector, CancellationToken cancellationToken = default) =>
            (domain, selector) == ("company-x.example", "reports") ? GetPublicKey(Record) : throw new InvalidOperationException($"asked for {selector}._domainkey.{domain}");

        public override Task<AsymmetricKeyParameter> LocatePublicKeyAsync(
            string methods, string domain, string selector, CancellationToken cancellationToken = default) =>
            Task.FromResult(LocatePublicKey(methods, domain, selector, cancellationToken));
    }
}
