using System.Collections.Immutable;
using System.Threading.Channels;
using Microsoft.Extensions.Logging;

namespace Hopseal.Relay;

/// <summary>Step 11: record. Hands each record to every reader in the background, through a bounded channel of its own.
/// A session never waits for a reader, a slow reader holds up no other, and what a reader misses is counted.</summary>
public sealed partial class SessionFanout : ISessionSink, IAsyncDisposable
{
    const int DefaultCapacity = 10_000;

    readonly ILogger _log;
    readonly ImmutableArray<Reader> _readers;
    readonly Task _reading;
    long _dropped;

    /// <param name="readers">Each is called by one task at a time; what it returns does not matter here.</param>
    /// <param name="log">Told of drops and of readers that throw.</param>
    /// <param name="capacity">Records held for each reader.</param>
    public SessionFanout(IEnumerable<ISessionSink> readers, ILogger<SessionFanout> log, int capacity = DefaultCapacity)
    {
        _log = log;
        _readers = [.. readers.Select(reader => new Reader(reader, capacity))];
        _reading = Task.WhenAll(_readers.Select(reader => Task.Run(() => ReadAsync(reader))));
    }

    /// <summary>Records that some reader missed, each counted once per reader.</summary>
    public long Dropped => Volatile.Read(ref _dropped);

    /// <summary>False when a reader misses it.</summary>
    public bool TryRecord(SessionRecord record) => TryWrite(new Entry(Session: record));

    /// <summary>False when a reader misses it.</summary>
    public bool TryRecord(DeliveryAttempt attempt) => TryWrite(new Entry(Attempt: attempt));

    /// <summary>False when a reader misses it.</summary>
    public bool TryRecord(AcceptedMessage message) => TryWrite(new Entry(Message: message));

    /// <summary>Takes nothing more, and completes when every reader has had what was taken.</summary>
    public async ValueTask DisposeAsync()
    {
        foreach (var reader in _readers)
        {
            reader.Entries.Writer.TryComplete();
        }

        await _reading;
    }

    bool TryWrite(Entry entry)
    {
        var taken = true;
        foreach (var reader in _readers)
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
        await foreach (var entry in reader.Entries.Reader.ReadAllAsync())
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

        TellDropped(reader);
    }

    static void Hand(Entry entry, ISessionSink sink)
    {
        _ = entry switch
        {
            { Session: { } session } => sink.TryRecord(session),
            { Attempt: { } attempt } => sink.TryRecord(attempt),
            _ => sink.TryRecord(entry.Message!),
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

    /// <summary>One of the three.</summary>
    readonly record struct Entry(SessionRecord? Session = null, DeliveryAttempt? Attempt = null, AcceptedMessage? Message = null);

    sealed class Reader(ISessionSink sink, int capacity)
    {
        /// <summary>Since it was last told.</summary>
        public long Dropped;

        public ISessionSink Sink => sink;

        public string Name => sink.GetType().Name;

        public Channel<Entry> Entries { get; } = Channel.CreateBounded<Entry>(
            new BoundedChannelOptions(capacity) { FullMode = BoundedChannelFullMode.Wait, SingleReader = true });
    }
}
