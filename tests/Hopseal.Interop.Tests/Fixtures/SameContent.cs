using System.Text;

namespace Hopseal.Interop.Tests.Fixtures;

/// <summary>Compares content as it was sent with content as a Maildir has it.</summary>
static class SameContent
{
    const int Excerpt = 60;

    /// <param name="sent">With CRLF.</param>
    /// <param name="stored">With LF: the delivery agents of Unix write it so.</param>
    public static void Verify(ReadOnlySpan<byte> sent, ReadOnlySpan<byte> stored)
    {
        var expected = WithLineFeeds(sent);
        if (stored.SequenceEqual(expected))
        {
            return;
        }

        var same = stored.CommonPrefixLength(expected);
        Assert.Fail(
            $"sent {expected.Length} octets, stored {stored.Length}; different from octet {same}\n"
            + $"sent:   {Show(expected.AsSpan(same))}\nstored: {Show(stored[same..])}");
    }

    static byte[] WithLineFeeds(ReadOnlySpan<byte> text)
    {
        var output = new byte[text.Length];
        var length = 0;
        for (var i = 0; i < text.Length; i++)
        {
            if (text[i] != '\r' || i + 1 == text.Length || text[i + 1] != '\n')
            {
                output[length++] = text[i];
            }
        }

        return output[..length];
    }

    static string Show(ReadOnlySpan<byte> octets) => Encoding.Latin1.GetString(octets[..Math.Min(octets.Length, Excerpt)]).Replace("\n", "\\n", StringComparison.Ordinal);
}
