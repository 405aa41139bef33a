using System.Text;
using MimeKit;
using MimeKit.Utils;

namespace Hopseal.Relay.Dsn;

/// <summary>As much of a message as a report brings back: its header, or the whole of it.</summary>
sealed class ReturnedContent
{
    /// <summary>A larger message comes back as its header, although the sender asked for all of it: a report has to pass through limits that
    /// nobody here knows.</summary>
    public const int MaxWholeOctets = 256 * 1024;

    const int MaxHeaderOctets = 64 * 1024;
    const int MaxLineOctets = 998;

    readonly byte[] _octets;
    readonly bool _isWhole;
    readonly bool _isUnicode;

    ReturnedContent(byte[] octets, bool isWhole, bool isUnicode)
    {
        _octets = octets;
        _isWhole = isWhole;
        _isUnicode = isUnicode;
    }

    /// <summary>Without angle brackets; null when there is none that can be read.</summary>
    public string? MessageId
    {
        get
        {
            try
            {
                using var header = new MemoryStream(_octets);
                return HeaderList.Load(header)[HeaderId.MessageId] is { } value
                    ? MimeUtils.EnumerateReferences(value).FirstOrDefault()
                    : null;
            }
            catch (FormatException)
            {
                return null;
            }
        }
    }

    /// <summary>Reads up to the empty line, and at most 64 KiB; a longer header is cut off after a line.</summary>
    /// <param name="isUnicode">The message was sent with SMTPUTF8.</param>
    public static async ValueTask<ReturnedContent> ReadHeaderAsync(Stream content, bool isUnicode, CancellationToken cancel)
    {
        var octets = await ReadAsync(content, MaxHeaderOctets, cancel);
        return new ReturnedContent(octets[..EndOfHeader(octets)], isWhole: false, isUnicode);
    }

    /// <summary>Reads all of it.</summary>
    /// <param name="size">Octets of content, at most <see cref="MaxWholeOctets"/>.</param>
    public static async ValueTask<ReturnedContent> ReadWholeAsync(Stream content, long size, bool isUnicode, CancellationToken cancel) =>
        new(await ReadAsync(content, (int)size, cancel), isWhole: true, isUnicode);

    /// <summary>Always 7-bit, so that the report can be delivered anywhere: what cannot travel as it is, is encoded. For a whole message that
    /// takes message/global, because message/rfc822 may not be encoded (RFC 2046 §5.2.1, RFC 6532 §3.7); for the header of an
    /// internationalized one, message/global-headers (RFC 6533 §6).</summary>
    public MimePart ToPart()
    {
        var plain = IsPlain(_octets);
        var part = (_isWhole, plain) switch
        {
            (true, true) => new MimePart("message", "rfc822"),
            (true, false) => new MimePart("message", "global") { ContentTransferEncoding = ContentEncoding.Base64 },
            (false, true) => new MimePart("text", "rfc822-headers"),
            (false, false) when _isUnicode =>
                new MimePart("message", "global-headers") { ContentTransferEncoding = ContentEncoding.QuotedPrintable },
            (false, false) => new MimePart(new ContentType("text", "rfc822-headers") { Charset = "utf-8" })
            {
                ContentTransferEncoding = ContentEncoding.QuotedPrintable,
            },
        };
        part.Content = new MimeContent(new MemoryStream(_octets));
        return part;
    }

    static async ValueTask<byte[]> ReadAsync(Stream content, int max, CancellationToken cancel)
    {
        var octets = new byte[max];
        var read = await content.ReadAtLeastAsync(octets, octets.Length, throwOnEndOfStream: false, cancel);
        return octets[..read];
    }

    /// <summary>7-bit data in the sense of RFC 2045 §2.7.</summary>
    static bool IsPlain(ReadOnlySpan<byte> octets)
    {
        while (!octets.IsEmpty)
        {
            var end = octets.IndexOf("\r\n"u8);
            if (end is < 0 or > MaxLineOctets
                || !Ascii.IsValid(octets[..end])
                || octets[..end].IndexOfAny((byte)'\r', (byte)'\n', (byte)0) >= 0)
            {
                return false;
            }

            octets = octets[(end + 2)..];
        }

        return true;
    }

    static int EndOfHeader(ReadOnlySpan<byte> octets)
    {
        if (octets.StartsWith("\r\n"u8))
        {
            return 0;
        }

        var emptyLine = octets.IndexOf("\r\n\r\n"u8);
        return (emptyLine >= 0 ? emptyLine : octets.LastIndexOf("\r\n"u8)) is var end and >= 0 ? end + 2 : 0;
    }
}
