namespace Hopseal.Commands;

/// <summary>A message from a file or from standard input, in the form SMTP carries: every line ends with CRLF.</summary>
static class MessageInput
{
    public const int MostOctets = 100 * 1024 * 1024;

    /// <summary>A lone LF becomes CRLF; a lone CR or a NUL is refused, because no two servers agree on what they mean.</summary>
    /// <exception cref="UsageException">It is no message.</exception>
    public static async Task<byte[]> ReadAsync(Stream input, CancellationToken cancel)
    {
        var text = await ReadBoundedAsync(input, cancel);
        if (text.Length == 0)
        {
            throw new UsageException("the message is empty");
        }

        return ToWire(text);
    }

    internal static byte[] ToWire(ReadOnlySpan<byte> text)
    {
        var lines = text.Count((byte)'\n');
        using var wire = new MemoryStream(text.Length + lines + 2);
        var line = 1;
        while (!text.IsEmpty)
        {
            var at = text.IndexOf((byte)'\n');
            var content = at < 0 ? text : text[..at];
            text = at < 0 ? [] : text[(at + 1)..];
            if (content.EndsWith("\r"u8))
            {
                content = content[..^1];
            }

            if (content.IndexOfAny((byte)'\r', (byte)0) >= 0)
            {
                throw new UsageException($"line {line} of the message holds a carriage return without line feed, or a NUL");
            }

            wire.Write(content);
            wire.Write("\r\n"u8);
            line++;
        }

        return wire.ToArray();
    }

    static async Task<byte[]> ReadBoundedAsync(Stream input, CancellationToken cancel)
    {
        using var whole = new MemoryStream();
        var buffer = new byte[64 * 1024];
        while (await input.ReadAsync(buffer, cancel) is > 0 and var read)
        {
            if (whole.Length + read > MostOctets)
            {
                throw new UsageException($"the message is larger than {MostOctets} octets");
            }

            whole.Write(buffer, 0, read);
        }

        return whole.ToArray();
    }
}
