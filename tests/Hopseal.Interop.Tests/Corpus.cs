using System.Text;
using MimeKit;

namespace Hopseal.Interop.Tests;

/// <summary>One message of the corpus.</summary>
/// <param name="Recipients">Local parts; the domain decides the way.</param>
/// <param name="Content">With CRLF line ends.</param>
/// <param name="Parameters">Of MAIL.</param>
sealed record CorpusMessage(string From, IReadOnlyList<string> Recipients, byte[] Content, string Parameters = "");

/// <summary>Messages as the world sends them, and as it should not. The same in every run.</summary>
static class Corpus
{
    const int Mebi = 1024 * 1024;

    static readonly Dictionary<string, Func<string, CorpusMessage>> s_messages = new()
    {
        ["one octet"] = mark => Plain(mark, "x\r\n"),
        ["no body"] = mark => Plain(mark, ""),
        ["empty lines only"] = mark => Plain(mark, "\r\n\r\n\r\n"),
        ["64 KiB less one"] = mark => Plain(mark, Lines(64 * 1024 - 1)),
        ["64 KiB"] = mark => Plain(mark, Lines(64 * 1024)),
        ["64 KiB and one"] = mark => Plain(mark, Lines(64 * 1024 + 1)),
        ["1 MiB"] = mark => Plain(mark, Lines(Mebi)),
        ["25 MiB"] = mark => Plain(mark, Lines(25 * Mebi)),
        ["8-bit, declared"] = mark => EightBit(mark) with { Parameters = " BODY=8BITMIME" },
        ["8-bit, undeclared"] = EightBit,
        ["SMTPUTF8 addresses and header"] = International,
        ["lines of 999, 4,096 and 100,000 octets"] = mark =>
            Plain(mark, $"{new string('a', 999)}\r\n{new string('b', 4096)}\r\n{new string('c', 100_000)}\r\nend\r\n"),
        ["one line of 1 MiB"] = mark => Plain(mark, new string('x', Mebi) + "\r\n"),
        ["dots at line starts"] = mark => Plain(mark, ".\r\n..\r\n...\r\n.a\r\n\r\n.\r\n. \r\n.\t\r\na.\r\n.\r\n"),
        ["lines that look like commands"] = mark => Plain(mark, "QUIT\r\nSTARTTLS\r\nMAIL FROM:<a@b.test>\r\nFrom here on\r\n>From there\r\n"),
        ["white space at line ends"] = mark => Plain(mark, "a \r\n\t\r\n  \r\nb\t \r\n"),
        ["odd header fields"] = mark => With(
            $"Subject: {mark}\r\nX-Folded: a\r\n\tb\r\n   c\r\nX-Twice: 1\r\nX-Twice: 2\r\nx-case: MiXeD\r\nX-Empty:\r\nX-Long: {new string('h', 2000)}\r\n",
            "body\r\n"),
        ["100 recipients"] = mark => Plain(mark, "to all of you\r\n") with { Recipients = [.. Enumerable.Range(1, 100).Select(i => $"user{i}")] },
        ["MIME with attachments"] = Attachments,
        ["null sender"] = mark => Plain(mark, "nobody answers this\r\n") with { From = "" },
    };

    public static TheoryData<string> Names => [.. s_messages.Keys];

    /// <param name="mark">Stands in the subject: how the test finds its message again.</param>
    public static CorpusMessage Make(string name, string mark) => s_messages[name](mark);

    static CorpusMessage Plain(string mark, string body) => With($"Subject: {mark}\r\n", body);

    static CorpusMessage With(string header, string body) => new(
        "sender@origin.test",
        ["someone"],
        [.. Encoding.UTF8.GetBytes(header + "From: sender@origin.test\r\nMessage-ID: <1@origin.test>\r\nDate: Mon, 5 Jan 2026 10:00:00 +0000\r\n\r\n" + body)]);

    /// <summary>Exactly that many octets, in lines of at most 78 and with a line end.</summary>
    static string Lines(int octets)
    {
        const string Alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        var random = new Random(octets);
        var text = new StringBuilder(octets);
        while (octets - text.Length > 80)
        {
            text.Append(random.GetItems<char>(Alphabet, 76)).Append("\r\n");
        }

        return text.Append('z', octets - text.Length - 2).Append("\r\n").ToString();
    }

    static CorpusMessage EightBit(string mark)
    {
        var message = Plain(mark, "");
        byte[] everyHighOctet = [.. Enumerable.Range(0x80, 0x80).Select(octet => (byte)octet)];
        return message with
        {
            Content = [.. message.Content, .. everyHighOctet, .. "\r\n"u8, .. "Grüße, 你好, 👋\r\n"u8, 0xC3, .. "\r\n"u8],
        };
    }

    static CorpusMessage International(string mark)
    {
        var message = With($"Subject: {mark} Grüße aus Köln 你好\r\nTo: 用户 <用户@example.test>\r\n", "Привет\r\n");
        return message with { From = "jürgen@origin.test", Recipients = ["用户", "plain"], Parameters = " SMTPUTF8 BODY=8BITMIME" };
    }

    static CorpusMessage Attachments(string mark)
    {
        var octets = new byte[2 * Mebi];
        new Random(1).NextBytes(octets);
        var body = new BodyBuilder { TextBody = "see attached\n", HtmlBody = "<p>see attached</p>" };
        body.Attachments.Add("random.bin", octets, new ContentType("application", "octet-stream"));
        body.Attachments.Add("größe.txt", "Maße"u8.ToArray(), new ContentType("text", "plain"));
        using var message = new MimeMessage([MailboxAddress.Parse("sender@origin.test")], [MailboxAddress.Parse("someone@example.test")], mark, body.ToMessageBody());
        using var written = new MemoryStream();
        var format = FormatOptions.Default.Clone();
        format.NewLineFormat = NewLineFormat.Dos;
        message.WriteTo(format, written);
        return new CorpusMessage("sender@origin.test", ["someone"], written.ToArray());
    }
}
