using System.Text;
using Hopseal.Reports.Tlsrpt;
using Hopseal.Reports.Tlsrpt.Mail;

namespace Hopseal.Reports.Tests.Tlsrpt.Mail;

/// <summary>Messages that would cost much more than they are worth.</summary>
public sealed class ReportMailTests
{
    const string TooLongFields = "what looks like header fields may have 1048576 octets";
    const string TooManyFields = "a message may have 2000 header fields in all its parts, and 262144 octets in them";

    public static TheoryData<string, string, string> Messages => new()
    {
        { "fields", "From: a@b\r\n" + Repeat("A:\r\n", 2000) + "\r\nx", TooManyFields },
        { "parameters", "From: a@b\r\nContent-Type: text/plain" + Repeat("; a=b", 60_000) + "\r\n\r\nx", TooManyFields },
        { "addresses", "From: " + Repeat("a@b,", 70_000) + "\r\n\r\nx", TooManyFields },
        { "groups", "From: " + Repeat("a:", 140_000) + "\r\n\r\nx", TooManyFields },
        { "fields of parts", "Content-Type: multipart/mixed; boundary=b\r\n\r\n" + Repeat("--b\r\nA:\r\nB:\r\nC:\r\n\r\n", 700), TooManyFields },
        { "a long field", "From: " + Repeat("a@b,", 270_000) + "\r\n\r\nx", TooLongFields },
        { "a folded field", "From: a" + Repeat("\r\n a@b,", 160_000) + "\r\n\r\nx", TooLongFields },
        { "a long field of a part", "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nA: " + Repeat("abcd", 270_000) + "\r\n\r\nx", TooLongFields },
        { "a long field of a message in it", "Content-Type: message/rfc822\r\n\r\nA: " + Repeat("abcd", 270_000) + "\r\n\r\nx", TooLongFields },
        { "parts", "Content-Type: multipart/mixed; boundary=b\r\n\r\n" + Repeat("--b\r\n\r\n", 1000) + "--b--\r\n", "a message may have 1000 parts" },
    };

    [Theory]
    [MemberData(nameof(Messages))]
    public void A_message_is_not_read_that_would_take_much_memory(string what, string text, string why)
    {
        var item = Assert.Single(ReportMail.Read(Encoding.ASCII.GetBytes(text), ""));
        Assert.True(item.Result is ReadReport.Rejected rejected && rejected.Why == why, $"{what}: {item.Result}");
    }

    [Fact]
    public void Many_fields_that_relays_have_added_do_no_harm()
    {
        var text = "From: a@b\r\n" + Repeat("Received: from a by b; x\r\n", 500) + "\r\nx";
        Assert.Equal(new ReadReport.Rejected("the message holds no report"), Assert.Single(ReportMail.Read(Encoding.ASCII.GetBytes(text), "")).Result);
    }

    [Theory]
    [InlineData(Base64FormattingOptions.InsertLineBreaks)]
    [InlineData(Base64FormattingOptions.None)]
    public void A_large_report_is_read(Base64FormattingOptions lines)
    {
        byte[] json = [.. TlsReportWriter.ToJson(SampleReports.Full), .. Enumerable.Repeat((byte)' ', 4 * 1024 * 1024)];
        var text = $"From: a@b\r\nContent-Type: application/tlsrpt+json\r\nContent-Transfer-Encoding: base64\r\n\r\n{Convert.ToBase64String(json, lines)}\r\n";
        Assert.IsType<ReadReport.Accepted>(Assert.Single(ReportMail.Read(Encoding.ASCII.GetBytes(text), "")).Result);
    }

    static string Repeat(string text, int times) => string.Concat(Enumerable.Repeat(text, times));
}
