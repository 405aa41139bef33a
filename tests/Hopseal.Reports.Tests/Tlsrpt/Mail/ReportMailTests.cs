using System.Text;
using Hopseal.Reports.Tlsrpt;
using Hopseal.Reports.Tlsrpt.Mail;

namespace Hopseal.Reports.Tests.Tlsrpt.Mail;

/// <summary>Messages that would cost much more than they are worth.</summary>
public sealed class ReportMailTests
{
    const string TooManyFields = "a message may have 2000 header fields in all its parts, and 262144 octets in them";

    public static TheoryData<string, string, string> Messages => new()
    {
        { "fields", "From: a@b\r\n" + Repeat("A:\r\n", 2000) + "\r\nx", TooManyFields },
        { "parameters", "From: a@b\r\nContent-Type: text/plain" + Repeat("; a=b", 60_000) + "\r\n\r\nx", TooManyFields },
        { "addresses", "From: " + Repeat("a@b,", 70_000) + "\r\n\r\nx", TooManyFields },
        { "groups", "From: " + Repeat("a:", 140_000) + "\r\n\r\nx", TooManyFields },
        { "fields of parts", "Content-Type: multipart/mixed; boundary=b\r\n\r\n" + Repeat("--b\r\nA:\r\nB:\r\nC:\r\n\r\n", 700), TooManyFields },
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

    static string Repeat(string text, int times) => string.Concat(Enumerable.Repeat(text, times));
}
