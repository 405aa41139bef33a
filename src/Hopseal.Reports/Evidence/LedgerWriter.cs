using System.Buffers;
using Hopseal.Relay;
using Microsoft.Extensions.Logging;

namespace Hopseal.Reports.Evidence;

/// <summary>Writes records into the ledger. For one thread. A fault of the disk is told once, what it cost is counted, and the count goes into the
/// ledger before the next entry.</summary>
sealed partial class LedgerWriter(
    LedgerFiles files, EvidenceOptions options, string version, string configuration, TimeProvider clock, ILogger log) : IDisposable
{
    static readonly TimeSpan s_settled = TimeSpan.FromDays(1);

    readonly ArrayBufferWriter<byte> _lines = new(64 * 1024);
    LedgerFile? _file;
    LineWriter? _text;
    LedgerPoint? _written; // in head.json
    DateOnly? _tended;
    DateTimeOffset? _safeUntil;
    readonly long _began = clock.GetTimestamp();
    long _flushedAt = clock.GetTimestamp();

    // Records that no gap entry on stable storage accounts for: lost ones, and those behind the last flush.
    long _lost;
    long _unflushed;

    // Entries of the ledger itself that must come first, until they are safe.
    LedgerEntry[] _owed = [];
    bool _isOwed;
    bool _failing;

    /// <summary>See <see cref="EvidenceLedger.Head"/>.</summary>
    public LedgerPoint? Head { get; private set; }

    /// <summary>Whether there is something to flush, or to try again.</summary>
    public bool HasMore => _lost > 0 || _isOwed || _file is null || !_file.IsFlushed || _written != _file.Flushed;

    public TimeSpan SinceFlush => clock.GetElapsedTime(_flushedAt);

    /// <summary>Looks at what is there, and writes that a gateway starts.</summary>
    public void Begin()
    {
        Write([], 0);
        Flush();
        Tend();
    }

    /// <param name="missed">Records that never got here.</param>
    public void Write(ReadOnlySpan<object> records, long missed)
    {
        _lost += missed;
        if (records.IsEmpty && _lost == 0 && !_isOwed && _file is not null)
        {
            return;
        }

        try
        {
            if (_file is null)
            {
                Open();
            }

            Append(records);
        }
        catch (Exception e) when (IsFault(e))
        {
            Fail(e, records.Length);
        }
    }

    /// <summary>Puts what was written on stable storage, then says so in <c>head.json</c>.</summary>
    public void Flush()
    {
        _flushedAt = clock.GetTimestamp();
        if (_file is null || (_file.IsFlushed && _written == _file.Flushed))
        {
            return;
        }

        try
        {
            if (!_file.IsFlushed)
            {
                _file.Flush();

                // What is owed and not written yet is not safe by this: a day that ends flushes what came before it.
                (_unflushed, _owed, _safeUntil, Head) = (0, _isOwed ? _owed : [], clock.GetUtcNow(), _file.Flushed);
            }

            if (_written != _file.Flushed)
            {
                LedgerFiles.Replace(files.Head, new PointFile(_file.Flushed, _file.FlushedAt ?? clock.GetUtcNow()).Write());
                _written = _file.Flushed;
            }

            if (_failing && _lost == 0 && !_isOwed)
            {
                _failing = false;
                LogWrittenAgain(log, files.Directory);
            }
        }
        catch (Exception e) when (IsFault(e))
        {
            Fail(e, 0);
        }
    }

    /// <summary>Once a day: says where the ledger stands, and deletes what is past its time.</summary>
    public void Tend()
    {
        var now = clock.GetUtcNow();
        var today = EntryTime.DayOf(now);
        if (_file is null || today == _tended)
        {
            return;
        }

        _tended = today;
        LogHead(log, _file.Flushed.Seq, _file.Flushed.Hash);
        try
        {
            if (LedgerRetention.Apply(files, options.Days, today, now, clock.GetElapsedTime(_began) >= s_settled) is { } retention)
            {
                Owe([retention]);
                Append([]);
                Flush();
            }
        }
        catch (Exception e) when (IsFault(e))
        {
            Fail(e, 0);
        }
    }

    /// <summary>Writes that the gateway stops.</summary>
    public void End(long missed)
    {
        Write([], missed);
        try
        {
            if (_file is not null)
            {
                Owe([new LedgerEntry.Stop()]);
                Append([]);
                Flush();
            }
        }
        catch (Exception e) when (IsFault(e))
        {
            Fail(e, 0);
        }

        if (_lost > 0)
        {
            LogLost(log, _lost, files.Directory);
        }

        if (_file is not null)
        {
            LogHead(log, _file.Flushed.Seq, _file.Flushed.Hash);
        }
    }

    public void Dispose()
    {
        _file?.Dispose();
        _text?.Dispose();
    }

    void Open()
    {
        var words = RecipientWords.Load(files, options.Addresses);
        var end = LedgerEnd.Find(files, CancellationToken.None);
        foreach (var damage in end.Said.OfType<LedgerEntry.Damage>())
        {
            LogDamage(log, files.Directory, damage.What, damage.Found.Seq);
        }

        _text = new LineWriter(words);
        _file = new LedgerFile(files, end);
        _safeUntil = end.At ?? clock.GetUtcNow();
        LedgerEntry[] crash = end.IsClean ? [] : [new LedgerEntry.Gap(null, end.At, "the gateway before did not stop in order")];
        Owe([.. end.Said, .. crash, new LedgerEntry.Start(version, configuration, end.Head, end.IsClean)]);
    }

    void Owe(LedgerEntry[] entries)
    {
        // Those that were written and are not safe yet go along: should they be taken back, all come again.
        if (!_isOwed && _owed.Length > 0)
        {
            Flush();
        }

        (_owed, _isOwed) = ([.. _owed, .. entries], true);
    }

    void Append(ReadOnlySpan<object> records)
    {
        var (file, text) = (_file!, _text!);
        var now = clock.GetUtcNow();
        if (file.DayAt(now) != file.Day)
        {
            Flush();
        }

        var point = file.Point;
        _lines.ResetWrittenCount();
        foreach (var entry in _isOwed ? _owed : [])
        {
            point = text.Write(entry, point, now, _lines);
        }

        if (_lost > 0)
        {
            var reason = _failing ? "the disk could not be written" : "more came than could be written";
            point = text.Write(new LedgerEntry.Gap(_lost, _safeUntil, reason), point, now, _lines);
        }

        var unreadable = 0;
        foreach (var record in records)
        {
            try
            {
                foreach (var entry in EntriesOf(record))
                {
                    point = text.Write(entry, point, now, _lines);
                }
            }
#pragma warning disable CA1031 // A defect in one record must not cost the others: it is told, and counted as missing.
            catch (Exception e)
#pragma warning restore CA1031
            {
                unreadable++;
                LogDefect(log, e);
            }
        }

        if (_lines.WrittenCount > 0)
        {
            file.Append(file.DayAt(now), _lines.WrittenSpan, point, now);
        }

        _unflushed += _lost + records.Length - unreadable;
        (_lost, _isOwed) = (unreadable, false);
    }

    static IEnumerable<LedgerEntry> EntriesOf(object record) => record switch
    {
        DeliveryAttempt attempt => EvidenceOf.Attempt(attempt),
        AcceptedMessage message => EvidenceOf.Accepted(message),
        SessionRecord.Inbound inbound => [new LedgerEntry.Incident(inbound)],
        _ => throw new ArgumentException($"no record: {record}", nameof(record)),
    };

    /// <summary>Back to what is safe.</summary>
    void Fail(Exception e, int records)
    {
        _lost += _unflushed + records;
        _unflushed = 0;
        _isOwed = _owed.Length > 0;
        _file?.TakeBack();
        if (!_failing)
        {
            _failing = true;
            LogNotWritten(log, e, files.Directory);
        }
    }

    static bool IsFault(Exception e) => e is IOException or UnauthorizedAccessException or InvalidDataException;

    [LoggerMessage(EventId = 3101, Level = LogLevel.Information, Message = "The head of the evidence ledger is entry {Seq}, {Hash}")]
    static partial void LogHead(ILogger log, long seq, string hash);

    [LoggerMessage(EventId = 3102, Level = LogLevel.Error, Message = "The evidence in {Directory} cannot be written; mail goes on, and what is missing is counted")]
    static partial void LogNotWritten(ILogger log, Exception e, string directory);

    [LoggerMessage(EventId = 3103, Level = LogLevel.Warning, Message = "The evidence in {Directory} can be written again; a gap in it says how much is missing")]
    static partial void LogWrittenAgain(ILogger log, string directory);

    [LoggerMessage(EventId = 3104, Level = LogLevel.Error, Message = "The evidence in {Directory} is not as it was left: {What}; found entry {Seq}")]
    static partial void LogDamage(ILogger log, string directory, string what, long seq);

    [LoggerMessage(EventId = 3105, Level = LogLevel.Error, Message = "{Lost} records are missing in the evidence in {Directory}, and nothing there says so: it could not be written at the end")]
    static partial void LogLost(ILogger log, long lost, string directory);

    [LoggerMessage(EventId = 3106, Level = LogLevel.Error, Message = "A record could not be made evidence by a fault of ours; it counts as missing")]
    static partial void LogDefect(ILogger log, Exception e);
}
