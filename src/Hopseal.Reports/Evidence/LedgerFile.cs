namespace Hopseal.Reports.Evidence;

/// <summary>The end of the ledger on disk. What was appended since the last flush can be taken back, so that a disk that fails leaves no half of a
/// batch.</summary>
sealed class LedgerFile(LedgerFiles files, LedgerEnd end) : IDisposable
{
    FileStream? _file;
    DateOnly? _day = end.Day;
    DateTimeOffset? _at = end.At;

    // What is safe: the last entry, and how long its file is then.
    DateOnly? _flushedDay = end.Day;
    long _flushedLength = end.Length;

    /// <summary>Of the last line that was appended.</summary>
    public LedgerPoint Point { get; private set; } = end.Point;

    /// <summary>Of the last line that survives a power cut.</summary>
    public LedgerPoint Flushed { get; private set; } = end.Point;

    /// <summary>The time in that line.</summary>
    public DateTimeOffset? FlushedAt { get; private set; } = end.At;

    public bool IsFlushed => Point == Flushed;

    /// <summary>Of the file that is appended to; null before the first entry.</summary>
    public DateOnly? Day => _day;

    /// <summary>A clock that is set back does not lead back to an earlier file: the order of the files is that of the chain.</summary>
    public DateOnly DayAt(DateTimeOffset now)
    {
        var day = EntryTime.DayOf(now);
        return day < _day ? _day.Value : day;
    }

    /// <summary>Appends whole lines.</summary>
    /// <param name="last">Of them.</param>
    /// <param name="at">The time in them.</param>
    /// <exception cref="IOException">The caller takes it back.</exception>
    public void Append(DateOnly day, ReadOnlySpan<byte> lines, LedgerPoint last, DateTimeOffset at)
    {
        if (_file is null || day != _day)
        {
            Turn(day);
        }

        _file!.Write(lines);
        (Point, _at) = (last, at);
    }

    /// <exception cref="IOException">The caller takes back what was appended since the last time.</exception>
    public void Flush()
    {
        if (_file is not null)
        {
            _file.Flush(flushToDisk: true);
            (_flushedDay, _flushedLength, Flushed, FlushedAt) = (_day, _file.Position, Point, _at);
        }
    }

    /// <summary>Back to the last flush, at the latest before the next line is appended.</summary>
    public void TakeBack()
    {
        try
        {
            _file?.Dispose();
        }
        catch (IOException)
        {
            // It held nothing that is not taken back now.
        }

        _file = null;
        (_day, Point, _at) = (_flushedDay, Flushed, FlushedAt);
    }

    public void Dispose() => _file?.Dispose();

    void Turn(DateOnly day)
    {
        Flush();
        _file?.Dispose();
        _file = null;
        Relay.Queue.DirectorySync.Create(files.Directory);
        var file = LedgerFiles.OpenToAppend(files.PathOf(day));
        try
        {
            // A new day's file is empty; else it is the one that was flushed last.
            var length = day == _flushedDay ? _flushedLength : 0;
            if (file.Length != length)
            {
                file.SetLength(length);
            }

            file.Seek(length, SeekOrigin.Begin);
        }
        catch
        {
            file.Dispose();
            throw;
        }

        (_file, _day) = (file, day);
    }
}
