using System.Reflection;
using System.Runtime.InteropServices;
using Hopseal.Relay;
using Hopseal.Smtp.Server;
using Microsoft.Extensions.Logging;

namespace Hopseal.Reports.Evidence;

/// <summary>The ledger of evidence: each message on each hop, what was required and what was reached, in a chain of hashes. A reader of
/// <see cref="SessionFanout"/>: one thread writes in the background of the sessions what comes within a moment, and flushes at most once a second.
/// What could not be written is told in the ledger itself, when it can be.</summary>
/// <remarks>One for a directory at a time; the lock of the queue sees to that. A thread and not a task: it waits for the disk, and is woken for many
/// records and not for each.</remarks>
public sealed partial class EvidenceLedger : ISessionSink, IAsyncDisposable
{
    const int DefaultCapacity = 20_000;
    const int MostInBatch = 1_000;

    static readonly TimeSpan s_moment = TimeSpan.FromMilliseconds(50);
    static readonly TimeSpan s_flushInterval = TimeSpan.FromSeconds(1);
    static readonly TimeSpan s_tendInterval = TimeSpan.FromHours(1);

    readonly LedgerWriter _writer;
    readonly ILogger _log;
    readonly int _capacity;
    readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);

    // When the thread has to look: a moment after the first record, and when there is something to flush or to tend.
    readonly ITimer _moment;
    readonly ITimer _due;

    /// <summary>Guards what follows; pulsed when the thread has to look.</summary>
    readonly object _gate = new();
    List<object> _gathered = [];
    bool _mustLook;
    bool _closed;

    long _missed;
    long _lost;

    /// <param name="configuration">A hash of what the operator wrote.</param>
    /// <param name="capacity">Records that wait, at most, beside those that are being written.</param>
    public EvidenceLedger(
        LedgerFiles files,
        EvidenceOptions options,
        string configuration,
        TimeProvider clock,
        ILogger<EvidenceLedger> log,
        int capacity = DefaultCapacity)
    {
        ArgumentNullException.ThrowIfNull(clock);
        (_log, _capacity) = (log, capacity);
        _writer = new LedgerWriter(files, options, Version, configuration, clock, log);
        _moment = clock.CreateTimer(_ => Look(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        _due = clock.CreateTimer(_ => Look(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        new Thread(Run) { Name = "Hopseal evidence", IsBackground = true }.Start();
    }

    static string Version { get; } =
        typeof(EvidenceLedger).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "";

    /// <summary>The last entry that is on stable storage; null before the first.</summary>
    public LedgerPoint? Head => _writer.Head;

    /// <summary>Each is an entry.</summary>
    public bool ReadsMessages => true;

    /// <summary>Only an attack is evidence of its own: a session is told by its messages.</summary>
    public bool TryRecord(SessionRecord record) => record is not SessionRecord.Inbound { Summary.End: SessionEnd.InjectedPlaintext } || Post(record);

    public bool TryRecord(DeliveryAttempt attempt) => Post(attempt);

    public bool TryRecord(AcceptedMessage message) => Post(message);

    public void Missed(long records) => Interlocked.Add(ref _missed, records);

    /// <summary>Records that found no room here since the start.</summary>
    public long Lost => Volatile.Read(ref _lost);

    /// <summary>Records that nobody has begun to write.</summary>
    internal int Waiting
    {
        get
        {
            lock (_gate)
            {
                return _gathered.Count;
            }
        }
    }

    /// <summary>Takes nothing more, and completes when what was taken is written, and that the gateway stopped.</summary>
    public async ValueTask DisposeAsync()
    {
        lock (_gate)
        {
            _closed = true;
        }

        Look();
        await _ended.Task;
        await _moment.DisposeAsync();
        await _due.DisposeAsync();
        _writer.Dispose();
    }

    bool Post(object record)
    {
        lock (_gate)
        {
            if (!_closed && _gathered.Count < _capacity)
            {
                _gathered.Add(record);
                if (_gathered.Count == 1)
                {
                    _moment.Change(s_moment, Timeout.InfiniteTimeSpan);
                }

                return true;
            }
        }

        Interlocked.Increment(ref _missed);
        Interlocked.Increment(ref _lost);
        return false;
    }

    void Look()
    {
        lock (_gate)
        {
            _mustLook = true;
            Monitor.Pulse(_gate);
        }
    }

    void Run()
    {
        try
        {
            _writer.Begin();
            var records = new List<object>();
            var goesOn = true;
            while (goesOn)
            {
                _due.Change(_writer.HasMore ? Left(s_flushInterval) : s_tendInterval, Timeout.InfiniteTimeSpan);
                goesOn = Wait(ref records);
                Write(records);
                records.Clear();
            }

            _writer.End(Interlocked.Exchange(ref _missed, 0));
            _ended.SetResult();
        }
#pragma warning disable CA1031 // The thread must not take the gateway with it. What comes now is counted as lost.
        catch (Exception e)
#pragma warning restore CA1031
        {
            LogEnded(_log, e);
            lock (_gate)
            {
                _closed = true;
                Interlocked.Add(ref _lost, _gathered.Count);
                _gathered = [];
            }

            // It is told; whoever ends it has others to end.
            _ended.SetResult();
        }
    }

    /// <summary>For the time to look. Takes what came until then for what was written before; false when nothing comes after it.</summary>
    bool Wait(ref List<object> records)
    {
        lock (_gate)
        {
            while (!_mustLook)
            {
                Monitor.Wait(_gate);
            }

            _mustLook = false;
            (records, _gathered) = (_gathered, records);
            return !_closed;
        }
    }

    void Write(List<object> records)
    {
        var rest = CollectionsMarshal.AsSpan(records);
        do
        {
            var some = Math.Min(rest.Length, MostInBatch);
            _writer.Write(rest[..some], Interlocked.Exchange(ref _missed, 0));
            rest = rest[some..];
            if (_writer.SinceFlush >= s_flushInterval)
            {
                _writer.Flush();
            }

            _writer.Tend();
        }
        while (!rest.IsEmpty);
    }

    TimeSpan Left(TimeSpan interval) => interval > _writer.SinceFlush ? interval - _writer.SinceFlush : TimeSpan.Zero;

    [LoggerMessage(EventId = 3107, Level = LogLevel.Error, Message = "The evidence is no longer written, by a fault of ours; mail goes on")]
    static partial void LogEnded(ILogger log, Exception e);
}
