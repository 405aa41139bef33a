using System.Collections.Immutable;
using System.Threading.Channels;
using Microsoft.Extensions.Logging;

namespace Hopseal.Relay;

/// <summary>Step 11: record. Hands each record to every reader in the background, through a bounded channel of its own.
/// A session never waits for a reader, a slow reader holds up no other, and what a reader misses is counted.</summary>
public sealed partial class SessionFanout : ISessionSink, IAsyncDisposable
{
    const int DefaultCapacity = 10_000;

    /// <summary>What comes within it is handed over together: to wake a thread costs more than a record, and there are many readers.</summary>
    static readonly TimeSpan s_moment = TimeSpan.FromMilliseconds(50);

    readonly ILogger _log;
    readonly TimeProvider _clock;
    readonly ImmutableArray<Reader> _readers;
    readonly ImmutableArray<Reader> _messageReaders;
    readonly CancellationTokenSource _ending = new();
    readonly Task _reading;
    long _dropped;

    /// <param name="readers">Each is called by one task at a time; what it returns does not matter here.</param>
    /// <param name="log">Told of drops and of readers that throw.</param>
    /// <param name="capacity">Records held for each reader.</param>
    public SessionFanout(IEnumerable<ISessionSink> readers, TimeProvider clock, ILogger<SessionFanout> log, int capacity = DefaultCapacity)
    {
        _log = log;
        _clock = clock;
        _readers = [.. readers.Select(reader => new Reader(reader, capacity))];
        _messageReaders = [.. _readers.Where(reader => reader.Sink.ReadsMessages)];
        _reading = Task.WhenAll(_readers.Select(reader => Task.Run(() => ReadAsync(reader))));
    }

    /// <summary>Records that some reader missed, each counted once per reader.</summary>
    public long Dropped => Volatile.Read(ref _dropped);

    /// <summary>False when a reader misses it.</summary>
    public bool TryRecord(SessionRecord record) => TryWrite(_readers, record);

    /// <summary>False when a reader misses it.</summary>
    public bool TryRecord(DeliveryAttempt attempt) => TryWrite(_readers, attempt);

    /// <summary>False when a reader misses it that reads messages.</summary>
    public bool TryRecord(AcceptedMessage message) => TryWrite(_messageReaders, message);

    /// <summary>True when somebody does.</summary>
    public bool ReadsMessages => !_messageReaders.IsEmpty;

    /// <summary>Takes nothing more, and completes when every reader has had what was taken.</summary>
    public async ValueTask DisposeAsync()
    {
        foreach (var reader in _readers)
        {
            reader.Entries.Writer.TryComplete();
        }

        await _ending.CancelAsync();
        await _reading;
    }

    bool TryWrite(ImmutableArray<Reader> readers, object entry)
    {
        var taken = true;
        foreach (var reader in readers)
        {
            if (!reader.Entries.Writer.TryWrite(entry))
            {
                taken = false;
                Interlocked.Increment(ref _dropped);
                Interlocked.Increment(ref reader.Dropped);
            }
        }

        return taken;
    }

    async Task ReadAsync(Reader reader)
    {
        while (await reader.Entries.Reader.WaitToReadAsync())
        {
            while (reader.Entries.Reader.TryRead(out var entry))
            {
                try
                {
                    Hand(entry, reader.Sink);
                }
                catch (Exception e)
                {
                    LogReaderFailed(_log, e, reader.Name);
                }

                // Told by the reader, not by the session that found no room: it has better to do.
                TellDropped(reader);
            }

            await Task.Delay(s_moment, _clock, _ending.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        TellDropped(reader);
    }

    static void Hand(object entry, ISessionSink sink)
    {
        _ = entry switch
        {
            SessionRecord session => sink.TryRecord(session),
            DeliveryAttempt attempt => sink.TryRecord(attempt),
            AcceptedMessage message => sink.TryRecord(message),
            _ => throw new ArgumentException($"no record: {entry}", nameof(entry)),
        };
    }

    void TellDropped(Reader reader)
    {
        if (Interlocked.Exchange(ref reader.Dropped, 0) is > 0 and var dropped)
        {
            LogDropped(_log, reader.Name, dropped);
            reader.Sink.Missed(dropped);
        }
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "{Reader} failed on a session record; it goes on with the next")]
    static partial void LogReaderFailed(ILogger log, Exception e, string reader);

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Reader} was too slow and missed {Dropped} session records")]
    static partial void LogDropped(ILogger log, string reader, long dropped);

    sealed class Reader(ISessionSink sink, int capacity)
    {
        /// <summary>Since it was last told.</summary>
        public long Dropped;

        public ISessionSink Sink => sink;

        public string Name => sink.GetType().Name;

        /// <summary>Of sessions, attempts and messages.</summary>
        public Channel<object> Entries { get; } = Channel.CreateBounded<object>(
            new BoundedChannelOptions(capacity) { FullMode = BoundedChannelFullMode.Wait, SingleReader = true });
    }
}
