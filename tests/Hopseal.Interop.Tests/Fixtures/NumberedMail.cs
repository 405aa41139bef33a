using System.Globalization;
using System.Text;

namespace Hopseal.Interop.Tests.Fixtures;

/// <summary>Messages that can be told apart and checked, whole, by their number: most are small, some larger than what a queue keeps
/// in memory.</summary>
static class NumberedMail
{
    const int LargeEvery = 9;
    const int LargeLines = 8000;

    static readonly byte[] s_mark = "Subject: number "u8.ToArray();

    /// <summary>With CRLF; no line begins with a dot.</summary>
    public static byte[] Content(int number)
    {
        var lines = number % LargeEvery == 0 ? LargeLines : 1 + (number % 50);
        var text = new StringBuilder($"Subject: number {number}\r\nFrom: a@origin.test\r\n\r\n");
        for (var line = 0; line < lines; line++)
        {
            text.Append(CultureInfo.InvariantCulture, $"line {line} of message {number}: {new string('x', 40)}\r\n");
        }

        return Encoding.ASCII.GetBytes(text.ToString());
    }

    /// <summary>The number of a message that came with trace fields before its own, without its last line end.</summary>
    /// <exception cref="FormatException">It is not as it was sent.</exception>
    public static int Identify(ReadOnlySpan<byte> arrived)
    {
        var start = arrived.IndexOf(s_mark);
        if (start < 0)
        {
            throw new FormatException($"a message that nobody sent, of {arrived.Length} octets");
        }

        var own = arrived[start..];
        var digits = own[s_mark.Length..];
        var number = int.Parse(digits[..digits.IndexOf((byte)'\r')], CultureInfo.InvariantCulture);
        var sent = Content(number);
        if (!own.SequenceEqual(sent.AsSpan(..^2)))
        {
            throw new FormatException($"message {number} came with {own.Length} octets instead of {sent.Length - 2}, the same up to {own.CommonPrefixLength(sent)}");
        }

        return number;
    }
}
