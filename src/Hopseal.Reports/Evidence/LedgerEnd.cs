using System.Collections.Immutable;

namespace Hopseal.Reports.Evidence;

/// <summary>How a gateway finds its ledger when it starts: where the chain goes on, and what is not as it was left.</summary>
/// <param name="Point">The last entry there is.</param>
/// <param name="At">Its time; null when there is none.</param>
/// <param name="Day">Of the last file, which need not hold an entry; null when there is none.</param>
/// <param name="Length">Of that file, whole lines only.</param>
/// <param name="IsClean">It was stopped in order, or never ran.</param>
/// <param name="Said">What is to be written down about it.</param>
sealed record LedgerEnd(
    LedgerPoint Point, DateTimeOffset? At, DateOnly? Day, long Length, LedgerPoint? Head, bool IsClean, ImmutableArray<LedgerEntry> Said)
{
    /// <summary>Looks at the last file, and puts aside the line within which it ends.</summary>
    /// <exception cref="IOException">It cannot be read, or not be mended.</exception>
    public static LedgerEnd Find(LedgerFiles files, CancellationToken cancel)
    {
        var said = ImmutableArray.CreateBuilder<LedgerEntry>();
        var (head, headFault) = Read(files.Head);
        var (anchor, _) = Read(files.Anchor);
        DateOnly? newest = null;
        long newestLength = 0;
        foreach (var (day, path) in files.Days().Reverse())
        {
            var (last, length) = Last(path, said, cancel);
            (newest, newestLength) = newest is null ? (day, length) : (newest, newestLength);
            if (last is null)
            {
                continue;
            }

            var (point, at, kind) = last.Value;
            if (headFault is not null)
            {
                said.Add(new LedgerEntry.Damage(headFault, null, point));
            }
            else if (head is null)
            {
                said.Add(new LedgerEntry.Damage("there is no head.json", null, point));
            }
            else if (head.Seq > point.Seq)
            {
                said.Add(new LedgerEntry.Damage("entries behind this one, which head.json names, are gone", head, point));
            }
            else if (head.Seq == point.Seq && head != point)
            {
                said.Add(new LedgerEntry.Damage("head.json names another last entry", head, point));
            }

            return new LedgerEnd(point, at, newest, newestLength, head, kind == "stop", said.ToImmutable());
        }

        // Without any entry the chain goes on where it is known to have been.
        var known = head ?? anchor ?? LedgerPoint.Beginning;
        if (headFault is not null || (head is not null && head != anchor))
        {
            said.Add(new LedgerEntry.Damage(headFault ?? "all entries are gone", head, known));
        }

        return new LedgerEnd(known, null, newest, newestLength, head, IsClean: head is null || head == anchor, said.ToImmutable());
    }

    static (LedgerPoint? Point, string? Fault) Read(string file)
    {
        try
        {
            return (PointFile.Read(file)?.Point, null);
        }
        catch (InvalidDataException e)
        {
            return (null, e.Message);
        }
    }

    /// <summary>The last entry of a file, and where its line ends; null when it has none.</summary>
    static ((LedgerPoint Point, DateTimeOffset At, string Kind)? Last, long Length) Last(
        string path, ImmutableArray<LedgerEntry>.Builder said, CancellationToken cancel)
    {
        using var file = new FileStream(path, FileMode.Open, FileAccess.ReadWrite, FileShare.Read, bufferSize: 0);
        file.Seek(StartOfTail(file), SeekOrigin.Begin);
        var from = file.Position;
        var lines = new LineReader(file);
        (LedgerPoint, DateTimeOffset, string)? last = null;
        var whole = from;
        while (lines.Read(cancel))
        {
            if (lines.IsTorn)
            {
                said.Add(PutAside(file, path, from + lines.Offset));
                break;
            }

            whole = from + lines.Offset + lines.Line.Length + 1;
            last = Entry(lines) ?? last;
        }

        return (last, whole);
    }

    static (LedgerPoint Point, DateTimeOffset At, string Kind)? Entry(LineReader lines)
    {
        if (lines.IsTooLong || !EntryFrame.TryParse(lines.Line.Span, out var frame))
        {
            return null;
        }

        Span<byte> hash = stackalloc byte[LedgerPoint.HashOctets];
        EntryFrame.Hash(lines.Line.Span, hash);
        return EntryTime.TryParse(System.Text.Encoding.ASCII.GetString(frame.Time), out var at)
            ? (new LedgerPoint(frame.Seq, Convert.ToHexStringLower(hash)), at, System.Text.Encoding.ASCII.GetString(frame.Kind))
            : null;
    }

    /// <summary>Far enough before the end that a whole line is behind it.</summary>
    internal static long StartOfTail(FileStream file)
    {
        const int Window = 4 * EntryFrame.MostOctets;
        if (file.Length <= Window)
        {
            return 0;
        }

        file.Seek(-Window, SeekOrigin.End);
        var buffer = new byte[Window];
        var read = file.ReadAtLeast(buffer, Window, throwOnEndOfStream: false);
        var end = buffer.AsSpan(0, read).IndexOf((byte)'\n');
        return end < 0 ? 0 : file.Length - Window + end + 1;
    }

    static LedgerEntry.Recovered PutAside(FileStream file, string path, long start)
    {
        var aside = $"{path}.{start}.torn";
        file.Seek(start, SeekOrigin.Begin);
        using (var torn = LedgerFiles.OpenToAppend(aside))
        {
            torn.SetLength(0);
            file.CopyTo(torn);
            torn.Flush(flushToDisk: true);
        }

        var octets = file.Length - start;
        file.SetLength(start);
        file.Flush(flushToDisk: true);
        return new LedgerEntry.Recovered(Path.GetFileName(path), octets, Path.GetFileName(aside));
    }
}
