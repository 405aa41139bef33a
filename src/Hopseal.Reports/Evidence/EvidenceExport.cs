using System.Buffers;
using System.Text;

namespace Hopseal.Reports.Evidence;

public enum EvidenceFormat
{
    /// <summary>The entries as they stand in the ledger. Without a domain they are a piece of the chain, which can be verified by itself.</summary>
    Jsonl,

    /// <summary>A report for people, in one file without anything from elsewhere.</summary>
    Html,
}

/// <summary>Which evidence is wanted.</summary>
/// <param name="From">Written down at this time or later.</param>
/// <param name="To">Before this time.</param>
/// <param name="Domain">Of the recipients, as the ledger has it: lower case, A-labels; null: every one.</param>
public sealed record EvidenceQuery(DateTimeOffset From, DateTimeOffset To, string? Domain = null);

/// <summary>Hands out what the ledger says of a time, beside the gateway that writes it. The chain is checked on the way; memory does not grow with
/// what is read.</summary>
public static class EvidenceExport
{
    const int PieceOctets = 64 * 1024;

    /// <returns>How the days were found that it was read from; null when there is no ledger, and nothing is written then.</returns>
    /// <exception cref="IOException">The ledger cannot be read, or the output not be written.</exception>
    public static async Task<ChainStatus?> WriteAsync(
        LedgerFiles files, EvidenceQuery query, EvidenceFormat format, TimeProvider clock, Stream output, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(query);
        ArgumentNullException.ThrowIfNull(clock);
        ArgumentNullException.ThrowIfNull(output);

        // A clock that was set back leaves earlier times in a later file.
        var lastDay = EntryTime.DayOf(query.To);
        var reader = LedgerReader.OfDays(files, EntryTime.DayOf(query.From), lastDay < DateOnly.MaxValue ? lastDay.AddDays(1) : lastDay, hash: null);
        if (reader is null)
        {
            return null;
        }

        var filter = new EntryFilter(query);
        return format is EvidenceFormat.Jsonl
            ? await WriteLinesAsync(reader, filter, output, cancel)
            : await WriteReportAsync(reader, filter, query, clock, output, cancel);
    }

    static async Task<ChainStatus> WriteLinesAsync(LedgerReader reader, EntryFilter filter, Stream output, CancellationToken cancel)
    {
        var piece = new ArrayBufferWriter<byte>(2 * PieceOctets);
        var status = await reader.ReadAsync(Take, cancel => piece.WrittenCount < PieceOctets ? default : SendAsync(cancel), cancel);
        await SendAsync(cancel);
        return status;

        void Take(in EntryFrame frame, ReadOnlySpan<byte> line)
        {
            if (filter.Takes(frame, line))
            {
                piece.Write(line);
                piece.Write("\n"u8);
            }
        }

        async ValueTask SendAsync(CancellationToken cancel)
        {
            await output.WriteAsync(piece.WrittenMemory, cancel);
            piece.ResetWrittenCount();
        }
    }

    static async Task<ChainStatus> WriteReportAsync(
        LedgerReader reader, EntryFilter filter, EvidenceQuery query, TimeProvider clock, Stream output, CancellationToken cancel)
    {
        var sums = new EvidenceSums(query.Domain);
        var status = await reader.ReadAsync(Take, null, cancel);
        var html = await ReportPage.RenderAsync(new EvidenceSummary(query, clock.GetUtcNow(), sums, status));
        await output.WriteAsync(Encoding.UTF8.GetBytes(html), cancel);
        return status;

        void Take(in EntryFrame frame, ReadOnlySpan<byte> line)
        {
            if (filter.TakesTime(frame))
            {
                sums.Add(line);
            }
        }
    }
}
