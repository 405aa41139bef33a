using System.Collections.Immutable;
using System.Threading.Channels;
using Hopseal.Relay;

namespace Hopseal.Dashboard.Live;

/// <summary>The latest sessions, as they end. Whoever watches is told that there is something new, not what: a browser that does not keep up
/// costs nobody else anything.</summary>
public sealed class SessionFeed : ISessionSink
{
    /// <summary>Sessions that are kept.</summary>
    public const int Capacity = 200;

    readonly Lock _lock = new();
    readonly Queue<SessionRecord> _latest = new(Capacity);
    ImmutableHashSet<Channel<bool>> _watchers = [];

    /// <summary>The newest first.</summary>
    public ImmutableArray<SessionRecord> Latest
    {
        get
        {
            lock (_lock)
            {
                return [.. _latest.Reverse()];
            }
        }
    }

    public bool TryRecord(SessionRecord record)
    {
        lock (_lock)
        {
            if (_latest.Count == Capacity)
            {
                _latest.Dequeue();
            }

            _latest.Enqueue(record);
        }

        Poke();
        return true;
    }

    public bool TryRecord(DeliveryAttempt attempt)
    {
        Poke();
        return true;
    }

    /// <summary>One element whenever something happened, until it is cancelled; what happens while nobody reads is one.</summary>
    public async IAsyncEnumerable<bool> WatchAsync([System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancel)
    {
        var watcher = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });
        ImmutableInterlocked.Update(ref _watchers, watchers => watchers.Add(watcher));
        try
        {
            await foreach (var poke in watcher.Reader.ReadAllAsync(cancel))
            {
                yield return poke;
            }
        }
        finally
        {
            ImmutableInterlocked.Update(ref _watchers, watchers => watchers.Remove(watcher));
        }
    }

    void Poke()
    {
        foreach (var watcher in _watchers)
        {
            watcher.Writer.TryWrite(true);
        }
    }
}
