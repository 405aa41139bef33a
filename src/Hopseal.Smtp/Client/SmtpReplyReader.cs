using System.Collections.Immutable;
using System.Text;
using System.Text.Unicode;
using Hopseal.Smtp.Wire;

namespace Hopseal.Smtp.Client;

/// <summary>What was read where a reply should be.</summary>
abstract record ReplyRead
{
    ReplyRead()
    {
    }

    public sealed record Whole(SmtpReply Reply) : ReplyRead;

    /// <summary>The peer closed before the reply was whole.</summary>
    public sealed record Ended(StreamEnd End) : ReplyRead;

    /// <summary>No SMTP reply, or one without an end.</summary>
    public sealed record Malformed(string Why) : ReplyRead;
}

/// <summary>Reads replies of one or more lines (RFC 5321 §4.2.1) from a server that may send anything.</summary>
static class SmtpReplyReader
{
    // RFC 5321 §4.5.3.1.5 allows 512 octets a line; servers that explain themselves at length are let.
    const int MaxLineOctets = 2048;
    const int MaxLines = 128;
    const int MaxReplyOctets = 64 * 1024;

    const int CodeLength = 3;

    static readonly string s_tooLong = $"a reply line is longer than {MaxLineOctets} octets";

    /// <exception cref="IOException">The connection broke.</exception>
    public static async ValueTask<ReplyRead> ReadAsync(SmtpStream stream, CancellationToken cancel)
    {
        var lines = ImmutableArray.CreateBuilder<string>(1);
        var code = 0;
        EnhancedStatus? status = null;
        var octets = 0;
        while (true)
        {
            // The stream would read on to the end of an endless line.
            while (stream.Buffered.Length < MaxLineOctets && stream.Buffered.Span.IndexOf((byte)'\n') < 0)
            {
                if (await stream.FillAsync(cancel) == 0)
                {
                    return new ReplyRead.Ended(stream.End);
                }
            }

            if (stream.Buffered.Span[..Math.Min(MaxLineOctets, stream.Buffered.Length)].IndexOf((byte)'\n') < 0)
            {
                return new ReplyRead.Malformed(s_tooLong);
            }

            var line = await stream.ReadLineAsync(MaxLineOctets, cancel);
            switch (line.Status)
            {
                case LineStatus.End:
                    return new ReplyRead.Ended(stream.End);
                case LineStatus.TooLong:
                    return new ReplyRead.Malformed(s_tooLong);
                case LineStatus.BareLineBreak:
                    return new ReplyRead.Malformed("a reply line ends with a bare CR or LF");
                case LineStatus.Line:
                    break;
            }

            octets += line.Octets.Length;
            if (!TryParseLine(line.Octets.Span, out var lineCode, out var isLast, out var text))
            {
                return new ReplyRead.Malformed($"not a reply: {Shorten(Decode(line.Octets.Span))}");
            }

            if (lines.Count == 0)
            {
                code = lineCode;
                status = StatusOf(text, code, out _);
            }
            else if (lineCode != code)
            {
                return new ReplyRead.Malformed($"the code changes from {code} to {lineCode} within one reply");
            }

            lines.Add(StatusOf(text, code, out var length) is { } own && own == status ? text[length..].TrimStart() : text);
            if (isLast)
            {
                return new ReplyRead.Whole(new SmtpReply(code, status, lines.DrainToImmutable()));
            }

            if (lines.Count == MaxLines || octets > MaxReplyOctets)
            {
                return new ReplyRead.Malformed($"a reply of more than {MaxLines} lines or {MaxReplyOctets} octets");
            }
        }
    }

    static bool TryParseLine(ReadOnlySpan<byte> line, out int code, out bool isLast, out string text)
    {
        (code, isLast, text) = (0, false, "");
        if (line.Length < CodeLength || line[0] is < (byte)'2' or > (byte)'5'
            || !char.IsAsciiDigit((char)line[1]) || !char.IsAsciiDigit((char)line[2])
            || (line.Length > CodeLength && line[CodeLength] is not ((byte)' ' or (byte)'-')))
        {
            return false;
        }

        code = ((line[0] - '0') * 100) + ((line[1] - '0') * 10) + line[2] - '0';
        isLast = line.Length == CodeLength || line[CodeLength] == ' ';
        text = line.Length > CodeLength ? Decode(line[(CodeLength + 1)..]) : "";
        return true;
    }

    /// <summary>The class of an enhanced code is the first digit of the reply code (RFC 2034 §4); otherwise it is text.</summary>
    static EnhancedStatus? StatusOf(string text, int code, out int length) =>
        EnhancedStatus.TryParsePrefix(text, out var status, out length) && status.Class == code / 100 ? status : null;

    /// <summary>UTF-8 (RFC 6531 §3.7.4), else Latin-1, without anything that could move a terminal's cursor.</summary>
    static string Decode(ReadOnlySpan<byte> octets)
    {
        var text = Utf8.IsValid(octets) ? Encoding.UTF8.GetString(octets) : Encoding.Latin1.GetString(octets);
        foreach (var character in text)
        {
            if (IsUnprintable(character))
            {
                return string.Create(text.Length, text, static (target, source) =>
                {
                    for (var i = 0; i < target.Length; i++)
                    {
                        target[i] = IsUnprintable(source[i]) ? '\uFFFD' : source[i];
                    }
                });
            }
        }

        return text;
    }

    static bool IsUnprintable(char character) =>
        (char.IsControl(character) && character != '\t')
        || character is '\u2028' or '\u2029' // line and paragraph separator
            or (>= '\u202A' and <= '\u202E') or (>= '\u2066' and <= '\u2069'); // changes of direction

    static string Shorten(string text) => text.Length <= 80 ? text : string.Concat(text.AsSpan(0, 80), "…");
}
