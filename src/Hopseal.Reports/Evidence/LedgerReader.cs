using System.Collections.Immutable;

namespace Hopseal.Reports.Evidence;

/// <summary>Is handed each entry in its order, checked; <paramref name="line"/> is valid during the call.</summary>
delegate void EntrySeen(in EntryFrame frame, ReadOnlySpan<byte> line);

/// <summary>How a ledger, or a part of one, was found.</summary>
/// <param name="Entries">That were read.</param>
/// <param name="First">The number of the first; 0 when there is none.</param>
/// <param name="Last">Null when there is none.</param>
/// <param name="Head">What <c>head.json</c> names; null where it was not looked at.</param>
/// <param name="Gaps">Entries that say that something could not be written.</param>
/// <param name="FaultCount">All of them.</param>
/// <param name="Faults">The first ones.</param>
/// <param name="Notes">What is no fault, and good to know.</param>
public sealed record ChainStatus(
    long Entries, long First, LedgerPoint? Last, LedgerPoint? Head, long Gaps, long FaultCount, ImmutableArray<ChainFault> Faults, ImmutableArray<string> Notes)
{
    public bool IsWhole => FaultCount == 0;
}

/// <summary>Reads a ledger from its files and checks the chain on the way. Memory does not grow with the ledger.</summary>
sealed class LedgerReader
{
    const int MostFaults = 100;

    readonly ImmutableArray<ChainFault>.Builder _faults = ImmutableArray.CreateBuilder<ChainFault>();
    readonly ImmutableArray<string>.Builder _notes = ImmutableArray.CreateBuilder<string>();
    readonly ImmutableArray<string> _files;
    readonly ChainEnds _ends;
    readonly ChainCheck _check;
    long _early;

    LedgerReader(ImmutableArray<string> files, ChainEnds ends)
    {
        (_files, _ends) = (files, ends);
        _check = new ChainCheck(ends, Add);
    }

    /// <summary>Days of a ledger. Null when there is none.</summary>
    /// <param name="hash">That an entry has to have.</param>
    /// <exception cref="IOException">It cannot be read.</exception>
    public static LedgerReader? OfDays(LedgerFiles files, DateOnly? from, DateOnly? to, string? hash)
    {
        // First the head: what is written while this reads comes behind it.
        var (head, headFault) = Point(files.Head);
        var (anchor, anchorFault) = Point(files.Anchor);
        var all = files.Days();
        ImmutableArray<string> chosen = [.. all.Where(file => (from is null || file.Day >= from) && (to is null || file.Day <= to)).Select(file => file.Path)];
        if (all.IsEmpty && head is null && headFault is null)
        {
            return null;
        }

        var isStart = all.IsEmpty || (!chosen.IsEmpty && chosen[0] == all[0].Path);
        var isEnd = all.IsEmpty || (!chosen.IsEmpty && chosen[^1] == all[^1].Path);
        var reader = new LedgerReader(chosen, new ChainEnds(anchor, head, hash, isStart && anchorFault is null, isEnd));
        foreach (var fault in new[] { headFault, anchorFault }.OfType<string>())
        {
            reader._early++;
            reader.Add(new ChainFault(null, null, null, fault));
        }

        if (head is null && headFault is null && isEnd)
        {
            reader._early++;
            reader.Add(new ChainFault(null, null, null, "head.json is missing: whether the end was cut cannot be said"));
        }

        if (!isStart)
        {
            reader._notes.Add("it begins in the middle: what comes before was not looked at");
        }

        if (!isEnd)
        {
            reader._notes.Add("it ends before the last day: what comes behind was not looked at");
        }

        return reader;
    }

    /// <summary>A file by itself, such as an export: where it begins and ends is taken as it is.</summary>
    public static LedgerReader OfFile(string path, string? hash)
    {
        var reader = new LedgerReader([path], new ChainEnds(null, null, hash, FromBeginning: false, ToHead: false));
        reader._notes.Add("one file by itself: whether something is missing before it or behind it cannot be said");
        return reader;
    }

    /// <param name="after">What is to be done after each entry that has to wait for something.</param>
    /// <exception cref="IOException">A file cannot be read.</exception>
    public async Task<ChainStatus> ReadAsync(EntrySeen? seen, Func<CancellationToken, ValueTask>? after, CancellationToken cancel)
    {
        foreach (var path in _files)
        {
            await ReadAsync(path, path == _files[^1], seen, after, cancel);
        }

        _check.End();
        if (_check.Gaps > 0)
        {
            _notes.Add(Count(_check.Gaps, "entry says", "entries say") + " that something could not be written (kind \"gap\")");
        }

        if (_ends is { Head.Point: { } head, ToHead: true } && _check.Last is { } last && last.Seq > head.Seq)
        {
            _notes.Add(Count(last.Seq - head.Seq, "entry is", "entries are") + " behind the one that head.json names: written since, or just before a crash");
        }

        return new ChainStatus(
            _check.Entries, _check.FirstSeq, _check.Last, _ends.Head?.Point, _check.Gaps, _check.Faults + _early, _faults.ToImmutable(), _notes.ToImmutable());
    }

    async Task ReadAsync(string path, bool isLast, EntrySeen? seen, Func<CancellationToken, ValueTask>? after, CancellationToken cancel)
    {
        var name = Path.GetFileName(path);
        using var file = LedgerFiles.OpenToRead(path);
        var lines = new LineReader(file);
        while (lines.Read(cancel))
        {
            if (lines.IsTooLong)
            {
                _check.Break(name, lines.Number, "is longer than any entry");
            }
            else if (lines.IsTorn && isLast && _ends is { ToHead: true, Head.Point: { } head } && _check.Last is { } last && last.Seq >= head.Seq)
            {
                _notes.Add("the last line is not whole: it is being written, or a crash cut it; a start of the gateway puts it aside");
            }
            else if (lines.IsTorn)
            {
                _check.Break(name, lines.Number, "does not end: the file was cut, or its last octet changed");
            }
            else
            {
                Follow(name, lines, seen);
                if (after is not null)
                {
                    await after(cancel);
                }
            }
        }
    }

    void Follow(string name, LineReader lines, EntrySeen? seen)
    {
        var line = lines.Line.Span;
        if (_check.Follow(name, lines.Number, line, out var frame))
        {
            seen?.Invoke(in frame, line);
        }
    }

    void Add(ChainFault fault)
    {
        if (_faults.Count < MostFaults)
        {
            _faults.Add(fault);
        }
    }

    internal static string Count(long number, string one, string many) =>
        string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{number} {(number == 1 ? one : many)}");

    static (PointFile? Point, string? Fault) Point(string file)
    {
        try
        {
            return (PointFile.Read(file), null);
        }
        catch (InvalidDataException e)
        {
            return (null, e.Message);
        }
    }
}
