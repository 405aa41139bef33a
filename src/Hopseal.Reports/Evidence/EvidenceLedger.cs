using System.Reflection;
using System.Threading.Channels;
using Hopseal.Relay;
using Hopseal.Smtp.Server;
using Microsoft.Extensions.Logging;

namespace Hopseal.Reports.Evidence;

/// <summary>The ledger of evidence: each message on each hop, what was required and what was reached, in a chain of hashes. A reader of
/// <see cref="SessionFanout"/>: one task writes in the background of the sessions, and flushes at most once a second. What could not be written
/// is told in the ledger itself, when it can be.</summary>
/// <remarks>One for a directory at a time; the lock of the queue sees to that.</remarks>
public sealed partial class EvidenceLedger : ISessionSink, IAsyncDisposable
{
    const int DefaultCapacity = 20_000;
    const int MostInBatch = 1_000;

    static readonly TimeSpan s_flushInterval = TimeSpan.FromSeconds(1);
    static readonly TimeSpan s_tendInterval = TimeSpan.FromHours(1);

    readonly TimeProvider _clock;
    readonly LedgerWriter _writer;
    readonly Channel<object> _waiting;
    readonly Task _writing;
    Task<bool>? _ready;
    long _missed;
    long _lost;

    /// <param name="configuration">A hash of what the operator wrote.</param>
    /// <param name="capacity">Records that wait, at most.</param>
    public EvidenceLedger(
        LedgerFiles files,
        EvidenceOptions options,
        string configuration,
        TimeProvider clock,
        ILogger<EvidenceLedger> log,
        int capacity = DefaultCapacity)
    {
        ArgumentNullException.ThrowIfNull(clock);
        _clock = clock;
        _writer = new LedgerWriter(files, options, Version, configuration, clock, log);
        _waiting = Channel.CreateBounded<object>(new BoundedChannelOptions(capacity) { FullMode = BoundedChannelFullMode.Wait, SingleReader = true });
        _writing = Task.Run(RunAsync);
    }

    static string Version { get; } =
        typeof(EvidenceLedger).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "";

    /// <summary>The last entry that is on stable storage; null before the first.</summary>
    public LedgerPoint? Head => _writer.Head;

    /// <summary>Only an attack is evidence of its own: a session is told by its messages.</summary>
    public bool TryRecord(SessionRecord record) => record is not SessionRecord.Inbound { Summary.End: SessionEnd.InjectedPlaintext } || Post(record);

    public bool TryRecord(DeliveryAttempt attempt) => Post(attempt);

    public bool TryRecord(AcceptedMessage message) => Post(message);

    public void Missed(long records) => Interlocked.Add(ref _missed, records);

    /// <summary>Records that found no room here since the start.</summary>
    public long Lost => Volatile.Read(ref _lost);

    /// <summary>Takes nothing more, and completes when what was taken is written, and that the gateway stopped.</summary>
    public async ValueTask DisposeAsync()
    {
        _waiting.Writer.TryComplete();
        await _writing;
        _writer.Dispose();
    }

    bool Post(object record)
    {
        if (_waiting.Writer.TryWrite(record))
        {
            return true;
        }

        Interlocked.Increment(ref _missed);
        Interlocked.Increment(ref _lost);
        return false;
    }

    async Task RunAsync()
    {
        var batch = new List<object>();
        _writer.Begin();
        while (await WaitAsync())
        {
            while (batch.Count < MostInBatch && _waiting.Reader.TryRead(out var record))
            {
                batch.Add(record);
            }

            _writer.Write(batch, Interlocked.Exchange(ref _missed, 0));
            batch.Clear();
            if (_writer.SinceFlush >= s_flushInterval)
            {
                _writer.Flush();
            }

            _writer.Tend();
        }

        _writer.End(Interlocked.Exchange(ref _missed, 0));
    }

    /// <summary>For a record, for the time of the next flush, or for the time to look whether a day is over. False when all is over.</summary>
    async Task<bool> WaitAsync()
    {
        _ready ??= _waiting.Reader.WaitToReadAsync().AsTask();
        if (!_ready.IsCompleted)
        {
            var wait = _writer.HasMore ? s_flushInterval - _writer.SinceFlush : s_tendInterval;
            if (wait <= TimeSpan.Zero)
            {
                return true;
            }

            using var enough = new CancellationTokenSource();
            var time = Task.Delay(wait, _clock, enough.Token);
            if (await Task.WhenAny(_ready, time) == time)
            {
                return true;
            }

            await enough.CancelAsync();
        }

        var more = await _ready;
        _ready = null;
        return more;
    }
}
