using System.Collections.Immutable;
using System.IO.Pipelines;
using System.Runtime.CompilerServices;
using Hopseal.Reports.Tlsrpt.Mail;

namespace Hopseal.Reports.Tlsrpt;

/// <summary>A report that was found, or something that should have been one.</summary>
/// <param name="Where">Within the file; empty for the whole of it. For people.</param>
public sealed record ReportItem(string Where, ReadReport Result);

/// <summary>A message of a mailbox, or a whole file, and what was found in it.</summary>
/// <param name="Octets">As they are; empty where they are too many.</param>
/// <param name="Items">At least one.</param>
public sealed record ReportContent(ReadOnlyMemory<byte> Octets, bool IsMail, ImmutableArray<ReportItem> Items);

/// <summary>Finds the reports in a file: JSON, gzip or zip; a message, or a mailbox (mbox) full of messages with reports attached. The name
/// of the file decides nothing.</summary>
public static class ReportFile
{
    /// <summary>One item for each report, and for each message or file without one. Memory is bounded by one message of a
    /// mailbox.</summary>
    /// <param name="name">Without directories; compared with what the report says.</param>
    /// <exception cref="IOException">The file cannot be read.</exception>
    public static async IAsyncEnumerable<ReportItem> ReadAsync(Stream file, string name, [EnumeratorCancellation] CancellationToken cancel)
    {
        await foreach (var content in ReadContentsAsync(file, name, cancel))
        {
            foreach (var item in content.Items)
            {
                yield return item;
            }
        }
    }

    /// <summary>The same, with what the reports were found in.</summary>
    /// <exception cref="IOException">The file cannot be read.</exception>
    public static async IAsyncEnumerable<ReportContent> ReadContentsAsync(Stream file, string name, [EnumeratorCancellation] CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(file);
        ArgumentNullException.ThrowIfNull(name);
        var reader = PipeReader.Create(file, new StreamPipeReaderOptions(bufferSize: 64 * 1024, leaveOpen: true));
        try
        {
            if (await Mbox.IsMboxAsync(reader, cancel))
            {
                var number = 0;
                await foreach (var message in Mbox.ReadAsync(reader, cancel))
                {
                    yield return OfMessage(message, $"message {++number}");
                }

                yield break;
            }

            yield return OfWhole(await ReadBoundedAsync(reader, cancel), name);
        }
        finally
        {
            await reader.CompleteAsync();
        }
    }

    static ReportContent OfWhole(ReadOnlyMemory<byte>? octets, string name)
    {
        if (octets is not { } whole)
        {
            return new ReportContent(default, IsMail: false, [TooLarge("")]);
        }

        if (!PackedReport.Looks(whole.Span) && ReportMail.Looks(whole.Span))
        {
            return OfMessage(whole, "");
        }

        var notes = new ReportNotes();
        PackedReport.WarnOfName(name, whole.Span, "file", notes);
        var item = new ReportItem("", ReportClaims.Compare(PackedReport.Read(whole, notes), [ReportClaim.OfFileName(name)], notes));
        return new ReportContent(whole, IsMail: false, [item]);
    }

    static ReportContent OfMessage(ReadOnlyMemory<byte>? message, string where) => message is { } octets
        ? new ReportContent(octets, IsMail: true, [.. ReportMail.Read(octets, where)])
        : new ReportContent(default, IsMail: true, [TooLarge(where)]);

    static ReportItem TooLarge(string where) =>
        new(where, new ReadReport.Rejected($"it is larger than {ReportLimits.MostOctets} octets"));

    /// <summary>Null where it is too large.</summary>
    static async ValueTask<ReadOnlyMemory<byte>?> ReadBoundedAsync(PipeReader reader, CancellationToken cancel)
    {
        using var whole = new MemoryStream();
        while (true)
        {
            var read = await reader.ReadAsync(cancel);
            if (whole.Length + read.Buffer.Length > ReportLimits.MostOctets)
            {
                return null;
            }

            foreach (var segment in read.Buffer)
            {
                whole.Write(segment.Span);
            }

            reader.AdvanceTo(read.Buffer.End);
            if (read.IsCompleted)
            {
                return whole.ToArray();
            }
        }
    }
}
