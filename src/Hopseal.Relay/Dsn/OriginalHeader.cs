using System.Text;
using MimeKit;
using MimeKit.Utils;

namespace Hopseal.Relay.Dsn;

/// <summary>The header of a message, as far as a report quotes it.</summary>
sealed class OriginalHeader
{
    const int MaxOctets = 64 * 1024;
    const int MaxLineOctets = 998;

    readonly byte[] _octets;

    OriginalHeader(byte[] octets) => _octets = octets;

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
    public static async ValueTask<OriginalHeader> ReadAsync(Stream content, CancellationToken cancel)
    {
        var octets = new byte[MaxOctets];
        var read = await content.ReadAtLeastAsync(octets, octets.Length, throwOnEndOfStream: false, cancel);
        return new OriginalHeader(octets[..EndOfHeader(octets.AsSpan(0, read))]);
    }

    /// <summary>As text/rfc822-headers (RFC 6522 §4); encoded where it cannot travel as it is.</summary>
    public MimePart ToPart()
    {
        var part = new MimePart("text", "rfc822-headers") { Content = new MimeContent(new MemoryStream(_octets)) };
        if (!IsPlain(_octets))
        {
            part.ContentType.Charset = "utf-8";
            part.ContentTransferEncoding = ContentEncoding.QuotedPrintable;
        }

        return part;
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
