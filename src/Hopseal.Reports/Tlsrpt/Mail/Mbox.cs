using System.Buffers;
using System.IO.Pipelines;
using System.Runtime.CompilerServices;

namespace Hopseal.Reports.Tlsrpt.Mail;

/// <summary>Messages out of a mailbox file (RFC 4155 §A): each begins with a line <c>From </c>, after an empty one.</summary>
/// <remarks>MimeKit reads mailboxes too, but takes a message into memory however large it is.</remarks>
static class Mbox
{
    /// <summary>Looked at before a line end is found; what is longer is taken in pieces.</summary>
    const int MostLineOctets = 64 * 1024;

    static ReadOnlySpan<byte> Separator => "From "u8;

    /// <summary>Takes nothing from the reader.</summary>
    public static async ValueTask<bool> IsMboxAsync(PipeReader reader, CancellationToken cancel)
    {
        var read = await reader.ReadAtLeastAsync(Separator.Length, cancel);
        var isMbox = StartsMessage(read.Buffer);
        reader.AdvanceTo(read.Buffer.Start);
        return isMbox;
    }

    /// <summary>Each without its separator; null for one that is larger than <see cref="ReportLimits.MostOctets"/>.</summary>
    public static async IAsyncEnumerable<ReadOnlyMemory<byte>?> ReadAsync(PipeReader reader, [EnumeratorCancellation] CancellationToken cancel)
    {
        var message = new MemoryStream();
        var (begun, tooLarge, emptyBefore, atLineStart) = (false, false, true, true);
        while (true)
        {
            var read = await reader.ReadAsync(cancel);
            var rest = read.Buffer;
            while (TakeLine(ref rest, read.IsCompleted) is { IsEmpty: false } line)
            {
                if (atLineStart && emptyBefore && StartsMessage(line))
                {
                    if (begun)
                    {
                        yield return Message();
                    }

                    message.SetLength(0);
                    (begun, tooLarge) = (true, false);
                }
                else if (!tooLarge)
                {
                    tooLarge = message.Length + line.Length > ReportLimits.MostOctets;
                    Write(tooLarge ? default : line, message);
                }

                emptyBefore = atLineStart && line.Length <= 2 && IsBreak(line);
                atLineStart = EndsWithBreak(line);
            }

            reader.AdvanceTo(rest.Start, rest.End);
            if (read.IsCompleted)
            {
                break;
            }
        }

        if (begun)
        {
            yield return Message();
        }

        // A bare null would become an empty message, by way of an array.
        ReadOnlyMemory<byte>? Message() => tooLarge ? default(ReadOnlyMemory<byte>?) : message.ToArray();
    }

    /// <summary>With its line end; a piece of one that is too long, or not ended at the end of the file. Empty: more is needed.</summary>
    static ReadOnlySequence<byte> TakeLine(ref ReadOnlySequence<byte> rest, bool isLast)
    {
        var line = rest.PositionOf((byte)'\n') is { } end ? rest.Slice(0, rest.GetPosition(1, end))
            : isLast || rest.Length > MostLineOctets ? rest
            : default;
        rest = rest.Slice(line.Length);
        return line;
    }

    static bool StartsMessage(in ReadOnlySequence<byte> line)
    {
        Span<byte> start = stackalloc byte[Separator.Length];
        if (line.Length < start.Length)
        {
            return false;
        }

        line.Slice(0, start.Length).CopyTo(start);
        return start.SequenceEqual(Separator);
    }

    static bool IsBreak(in ReadOnlySequence<byte> line)
    {
        foreach (var segment in line)
        {
            if (segment.Span.ContainsAnyExcept((byte)'\r', (byte)'\n'))
            {
                return false;
            }
        }

        return true;
    }

    static bool EndsWithBreak(in ReadOnlySequence<byte> line) => line.Slice(line.Length - 1).FirstSpan[0] == (byte)'\n';

    static void Write(in ReadOnlySequence<byte> line, MemoryStream message)
    {
        foreach (var segment in line)
        {
            message.Write(segment.Span);
        }
    }
}
