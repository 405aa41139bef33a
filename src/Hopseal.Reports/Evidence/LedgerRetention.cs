namespace Hopseal.Reports.Evidence;

/// <summary>Deletes whole days whose time is over. What is left begins at the anchor, so that nobody takes it for a ledger whose beginning was
/// cut.</summary>
static class LedgerRetention
{
    /// <summary>Null when there is nothing to delete. The file in which the chain goes on is never deleted.</summary>
    /// <param name="today">UTC.</param>
    /// <param name="settled">The clock says so for a day or more.</param>
    /// <exception cref="IOException">Not everything is deleted; the next time goes on.</exception>
    public static LedgerEntry? Apply(LedgerFiles files, int days, DateOnly today, DateTimeOffset now, bool settled)
    {
        var all = files.Days();
        var oldest = (settled ? today : Believed(all.Select(file => file.Day), today)).AddDays(-days);
        var old = all.Take(Math.Max(0, all.Length - 1)).Where(file => file.Day < oldest).ToList();
        if (old.Count == 0)
        {
            return null;
        }

        LedgerPoint? last = null;
        foreach (var (_, path) in old)
        {
            last = Last(path) ?? last;
        }

        if (last is not null)
        {
            // First the anchor: were it the other way round, a crash between would leave a ledger without its beginning.
            LedgerFiles.Replace(files.Anchor, new PointFile(last, now).Write());
        }

        foreach (var (_, path) in old)
        {
            File.Delete(path);
        }

        return last is null ? null : new LedgerEntry.Retention(last, now, old.Count);
    }

    /// <summary>A machine that starts years ahead, until somebody tells it the time, must not cost the evidence of those years: a day is believed when the ledger
    /// has one just before it.</summary>
    static DateOnly Believed(IEnumerable<DateOnly> days, DateOnly today)
    {
        var before = days.Where(day => day < today).DefaultIfEmpty(today).Max();
        return before < today ? before.AddDays(1) : today;
    }

    static LedgerPoint? Last(string path)
    {
        using var file = LedgerFiles.OpenToRead(path);
        file.Seek(LedgerEnd.StartOfTail(file), SeekOrigin.Begin);
        var lines = new LineReader(file);
        LedgerPoint? last = null;
        while (lines.Read(CancellationToken.None))
        {
            last = lines.IsTooLong || lines.IsTorn ? last : PointOf(lines.Line.Span) ?? last;
        }

        return last;
    }

    static LedgerPoint? PointOf(ReadOnlySpan<byte> line)
    {
        if (!EntryFrame.TryParse(line, out var frame))
        {
            return null;
        }

        Span<byte> hash = stackalloc byte[LedgerPoint.HashOctets];
        EntryFrame.Hash(line, hash);
        return new LedgerPoint(frame.Seq, Convert.ToHexStringLower(hash));
    }
}
