using System.Net;
using Hopseal.Policy;
using Hopseal.Smtp.Tls;

namespace Hopseal.Relay.Attempt;

/// <summary>The sessions that wait for the next message to the same place, and the count of all that are open. Any thread may call any
/// member. Nothing here waits for a peer: what is closed is closed in the background.</summary>
sealed class IdleSessions : IAsyncDisposable
{
    readonly SessionReuse _options;
    readonly TimeProvider _clock;
    readonly Lock _lock = new();
    readonly Dictionary<IPEndPoint, List<Idle>> _byPeer = [];

    /// <summary>The one that has been idle longest first.</summary>
    readonly LinkedList<Idle> _byAge = [];

    /// <summary>Sessions in use or idle.</summary>
    readonly Dictionary<string, int> _open = new(StringComparer.Ordinal);
    readonly HashSet<Task> _closing = [];
    readonly ITimer _timer;
    int _openInAll;
    bool _timing;
    bool _stopped;

    public IdleSessions(SessionReuse options, TimeProvider clock)
    {
        _options = options;
        _clock = clock;
        _timer = clock.CreateTimer(
            static state => ((IdleSessions)state!).CloseOld(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>A session that was cleared for this very demand and is still good, as far as can be known without asking the peer; it
    /// is the caller's now. Null when there is none.</summary>
    public OutboundSession? Take(HostPlan plan, IPEndPoint peer, TlsStart start, bool credentials)
    {
        lock (_lock)
        {
            if (!_byPeer.TryGetValue(peer, out var there))
            {
                return null;
            }

            // The last one first, so that what is not needed grows old.
            for (var i = there.Count - 1; i >= 0; i--)
            {
                var idle = there[i];
                if (!idle.Session.Serves(plan, peer, start, credentials))
                {
                    continue;
                }

                Remove(idle);
                var quiet = idle.Session.Channel.IsQuiet;
                if (quiet && idle.Session.Age < _options.LifeTime)
                {
                    return idle.Session;
                }

                Close(idle.Session, withoutWord: !quiet);
            }

            return null;
        }
    }

    /// <summary>A session is about to be opened. Where there would be too many, the one that has been idle longest is closed.</summary>
    public void Opening(OutboundSession session)
    {
        lock (_lock)
        {
            var there = _open.GetValueOrDefault(session.Destination) + 1;
            _open[session.Destination] = there;
            _openInAll++;
            if (there > _options.MaxOpenPerDestination
                && _byAge.FirstOrDefault(idle => idle.Session.Destination == session.Destination) is { } sibling)
            {
                Remove(sibling);
                Close(sibling.Session);
            }

            if (_openInAll > _options.MaxOpen && _byAge.First is { } oldest)
            {
                Remove(oldest.Value);
                Close(oldest.Value.Session);
            }
        }
    }

    /// <summary>An attempt is done with a session.</summary>
    /// <param name="fit">Whether another message may use it.</param>
    public void Return(OutboundSession session, bool fit)
    {
        lock (_lock)
        {
            if (!fit || _stopped || !IsWorthKeeping(session))
            {
                Close(session);
                return;
            }

            var broken = session.Channel.WatchAsync();
            if (broken.IsCompleted)
            {
                Close(session, withoutWord: true);
                return;
            }

            var idle = new Idle(this, session, _clock.GetTimestamp());
            idle.Place = _byAge.AddLast(idle);
            if (!_byPeer.TryGetValue(session.Peer, out var there))
            {
                _byPeer.Add(session.Peer, there = []);
            }

            there.Add(idle);
            StartTimer();
            _ = broken.ContinueWith(
                static (arrival, state) => ((Idle)state!).Broken(arrival),
                idle,
                CancellationToken.None,
                TaskContinuationOptions.ExecuteSynchronously,
                TaskScheduler.Default);
        }
    }

    /// <summary>Closes what is idle now, and from now on everything that is returned; completes when all of it is recorded.</summary>
    public async ValueTask DisposeAsync()
    {
        Task[] closing;
        lock (_lock)
        {
            _stopped = true;
            while (_byAge.First is { } first)
            {
                Remove(first.Value);
                Close(first.Value.Session);
            }

            closing = [.. _closing];
        }

        await Task.WhenAll(closing);
        await _timer.DisposeAsync();
    }

    bool IsWorthKeeping(OutboundSession session) =>
        ReuseRule.MayBeKept(session.Tls)
        && session.Channel.Usable
        && session.Transactions < _options.MaxTransactions
        && session.Age < _options.LifeTime
        && _openInAll <= _options.MaxOpen
        && _open[session.Destination] <= _options.MaxOpenPerDestination;

    void Remove(Idle idle)
    {
        _byAge.Remove(idle.Place!);
        idle.Place = null;
        var there = _byPeer[idle.Session.Peer];
        there.Remove(idle);
        if (there.Count == 0)
        {
            _byPeer.Remove(idle.Session.Peer);
        }
    }

    void Close(OutboundSession session, bool withoutWord = false)
    {
        _openInAll--;
        if (--_open[session.Destination] == 0)
        {
            _open.Remove(session.Destination);
        }

        // On a thread of its own: the peer may have to be told, and the lock is held.
        var closing = Task.Run(() => session.CloseAsync(withoutWord).AsTask());
        _closing.Add(closing);
        _ = closing.ContinueWith(
            Forget, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
    }

    void Forget(Task closed)
    {
        lock (_lock)
        {
            _closing.Remove(closed);
        }
    }

    void StartTimer()
    {
        if (!_timing && _byAge.First is { } oldest)
        {
            _timing = true;
            var left = _options.IdleTime - _clock.GetElapsedTime(oldest.Value.Since);
            _timer.Change(left > TimeSpan.Zero ? left : TimeSpan.Zero, Timeout.InfiniteTimeSpan);
        }
    }

    void CloseOld()
    {
        lock (_lock)
        {
            _timing = false;
            while (_byAge.First is { } oldest && _clock.GetElapsedTime(oldest.Value.Since) >= _options.IdleTime)
            {
                Remove(oldest.Value);
                Close(oldest.Value.Session);
            }

            if (!_stopped)
            {
                StartTimer();
            }
        }
    }

    /// <summary>One stay among the idle ones.</summary>
    sealed class Idle(IdleSessions owner, OutboundSession session, long since)
    {
        public OutboundSession Session => session;

        public long Since => since;

        /// <summary>Null once the stay is over.</summary>
        public LinkedListNode<Idle>? Place { get; set; }

        public void Broken(Task arrival)
        {
            // A connection that broke is as good as one that was closed.
            _ = arrival.Exception;
            if (Place is null)
            {
                // In use: this is the answer to the next transaction.
                return;
            }

            lock (owner._lock)
            {
                if (Place is not null)
                {
                    owner.Remove(this);
                    owner.Close(session, withoutWord: true);
                }
            }
        }
    }
}
