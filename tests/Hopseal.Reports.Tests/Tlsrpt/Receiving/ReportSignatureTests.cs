using System.Security.Cryptography;
using System.Text;
using Hopseal.Dns;
using Hopseal.Reports.Tlsrpt.Receiving;

namespace Hopseal.Reports.Tests.Tlsrpt.Receiving;

/// <summary>Who stands for a report that came by mail.</summary>
public sealed class ReportSignatureTests
{
    [Fact]
    public async Task A_signature_of_the_authors_domain_verifies() =>
        Assert.Equal("signed by company-x.example", await CheckAsync(Signed()));

    [Fact]
    public async Task Mail_without_a_signature_is_not_verified() => Assert.Equal("not verified: not signed", await CheckAsync(Text(IntakeWorld.Mail())));

    [Theory]
    [InlineData("TLS-Report-Domain: company-y.example", "TLS-Report-Domain: company-q.example")]
    [InlineData("This is an aggregate", "That is an aggregate")]
    [InlineData("Subject: ", "Subject: Re: ")]
    public async Task What_was_changed_on_the_way_is_not_verified(string what, string other) =>
        Assert.Equal("not verified: the signature of company-x.example does not fit the message", await CheckAsync(Replace(what, other)));

    [Fact]
    public async Task What_was_added_before_it_on_the_way_does_no_harm() =>
        Assert.Equal("signed by company-x.example", await CheckAsync("Received: from a by b; Mon, 2 Nov 2026 03:00:00 +0000\r\n" + Signed()));

    [Fact]
    public async Task A_second_author_is_none() => Assert.StartsWith(
        "not verified: ", await CheckAsync("From: <tls@company-x.example>\r\n" + Signed()), StringComparison.Ordinal);

    [Theory]
    [InlineData("company-x.example", "mail.company-x.example", "signed by company-x.example")]
    [InlineData("reports.company-x.example", "company-x.example", "signed by reports.company-x.example")]
    [InlineData("company-z.example", "company-x.example", "not verified: signed by company-z.example, which is not the author's domain")]
    [InlineData("example", "company-x.example", "not verified: signed by example, which is not the author's domain")]
    [InlineData("any-x.example", "company-x.example", "not verified: signed by any-x.example, which is not the author's domain")]
    public async Task The_signer_has_to_be_of_the_authors_domain(string signer, string author, string expected)
    {
        var report = IntakeWorld.Report() with { Contact = $"tls@{author}" };
        var zone = IntakeWorld.Zone.Replace("company-x.example", signer, StringComparison.Ordinal);
        Assert.Equal(expected, await CheckAsync(Text(IntakeWorld.Mail(report, IntakeWorld.Signer(signer))), zone));
    }

    [Theory]
    [InlineData("company-x.example TXT v=spf1", "there is no key at reports._domainkey.company-x.example")]
    [InlineData("reports._domainkey.company-x.example TXT v=DKIM1\\; p=", "the key at reports._domainkey.company-x.example is revoked")]
    [InlineData("reports._domainkey.company-x.example TXT hello", "there is no key at reports._domainkey.company-x.example")]
    [InlineData("reports._domainkey.company-x.example TXT v=DKIM1\\; p=AAAA", "the key at reports._domainkey.company-x.example cannot be read")]
    [InlineData("reports._domainkey.company-x.example TXT v=DKIM1\\; s=pager\\; p=AAAA", "the key at reports._domainkey.company-x.example is not for reports")]
    [InlineData("reports._domainkey.company-x.example FAIL TXT bogus", "the key at reports._domainkey.company-x.example cannot be had: ")]
    public async Task A_key_that_cannot_be_used_is_named(string zone, string why) =>
        Assert.StartsWith($"not verified: {why}", await CheckAsync(Signed(), zone), StringComparison.Ordinal);

    [Fact]
    public async Task A_key_that_would_take_long_is_refused()
    {
        using var rsa = RSA.Create(2048);
        var parameters = rsa.ExportParameters(false);
        parameters.Modulus = [.. parameters.Modulus!, .. parameters.Modulus!, .. parameters.Modulus![..^1], (byte)(parameters.Modulus![^1] | 1)];
        using var large = RSA.Create(parameters);
        var zone = $"reports._domainkey.company-x.example TXT v=DKIM1\\; p={Convert.ToBase64String(large.ExportSubjectPublicKeyInfo())}";
        Assert.Matches("is larger than 4096 bits|cannot be read", await CheckAsync(Signed(), zone));
        var huge = $"reports._domainkey.company-x.example TXT v=DKIM1\\; p={new string('A', 5000)}";
        Assert.Equal("not verified: the key at reports._domainkey.company-x.example is too large", await CheckAsync(Signed(), huge));
    }

    [Theory]
    [InlineData("l=10;", "not verified: the signature of company-x.example covers a part of the message only (l=)")]
    [InlineData("x=1000;", "not verified: the signature of company-x.example has expired")]
    public async Task A_signature_that_does_not_say_enough_is_refused(string tag, string expected) =>
        Assert.Equal(expected, await CheckAsync(Signed().Replace("DKIM-Signature: ", $"DKIM-Signature: {tag} ", StringComparison.Ordinal)));

    [Fact]
    public async Task One_good_signature_among_several_is_enough_and_not_all_are_looked_at()
    {
        const string Other = "DKIM-Signature: v=1; a=rsa-sha256; d=other.example; s=reports; h=from; bh=AA==; b=AA==\r\n";
        const string Bad = "DKIM-Signature: v=1; a=rsa-sha256; d=company-x.example; s=reports; h=from; bh=AA==; b=AA==\r\n";
        Assert.Equal("signed by company-x.example", await CheckAsync(string.Concat(Enumerable.Repeat(Other, 50)) + Signed()));
        Assert.Equal("signed by company-x.example", await CheckAsync(string.Concat(Enumerable.Repeat(Bad, 4)) + Signed()));
        Assert.StartsWith("not verified: ", await CheckAsync(string.Concat(Enumerable.Repeat(Bad, 5)) + Signed()), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData(" d=company-x.example")]
    [InlineData(" d=company-x.example; s=reports; v=1; a=rsa-sha256; h=; bh=; b=")]
    [InlineData(" d=company-x.example; s=reports; v=1; a=rsa-md5; h=from; bh=AA==; b=AA==")]
    [InlineData(" d=company-x.example; s=a b..c; v=1; a=rsa-sha256; h=from; bh=AA==; b=AA==")]
    [InlineData(" d=-; s=\u0000; v=1")]
    public async Task What_is_no_signature_proves_nothing(string value) => Assert.StartsWith(
        "not verified: ", await CheckAsync($"DKIM-Signature:{value}\r\n" + Text(IntakeWorld.Mail())), StringComparison.Ordinal);

    static string Text(byte[] octets) => Encoding.Latin1.GetString(octets);

    static string Signed() => Text(IntakeWorld.Mail(signer: IntakeWorld.Signer()));

    static string Replace(string what, string other)
    {
        var text = Signed();
        Assert.Contains(what, text, StringComparison.Ordinal);
        return text.Replace(what, other, StringComparison.Ordinal);
    }

    static async Task<string> CheckAsync(string message, string? zone = null)
    {
        var signature = new ReportSignature(ZoneResolver.Parse(zone ?? IntakeWorld.Zone), TimeProvider.System);
        return (await signature.CheckAsync(Encoding.Latin1.GetBytes(message), TestContext.Current.CancellationToken)).ToString();
    }
}
