namespace Hopseal.Monitor;

/// <summary>When each domain is due, and who waits for its look. Any thread may use it; one waits.</summary>
sealed class LookSchedule
{
    readonly Lock _lock = new();
    readonly Dictionary<string, Entry> _entries = [];
    readonly PriorityQueue<Entry, DateTimeOffset> _queue = new();
    TaskCompletionSource _changed = Signal();

    public void Add(WatchedDomain domain, DateTimeOffset next)
    {
        lock (_lock)
        {
            var entry = _entries[domain.Name.Ascii] = new Entry(domain) { NextAt = next };
            _queue.Enqueue(entry, next);
        }

        Wake();
    }

    /// <summary>The one that has been due for longest; null: none. Its next look waits for <see cref="Done"/>.</summary>
    public WatchedDomain? TakeDue(DateTimeOffset now)
    {
        lock (_lock)
        {
            while (_queue.TryPeek(out var entry, out var at) && at <= now)
            {
                _queue.Dequeue();

                // One that was hurried, or is under way, stands here with its old time as well.
                if (!entry.IsUnderWay && entry.NextAt == at)
                {
                    entry.IsUnderWay = true;
                    return entry.Domain;
                }
            }

            return null;
        }
    }

    /// <summary>Makes a domain due now, if it is not being looked at; null when it is unknown.</summary>
    /// <returns>Completes with the look that is next done.</returns>
    public Task<LookReport>? Hurry(string domain, DateTimeOffset now)
    {
        Task<LookReport> report;
        lock (_lock)
        {
            if (!_entries.TryGetValue(domain, out var entry))
            {
                return null;
            }

            report = (entry.Waiting ??= new TaskCompletionSource<LookReport>(TaskCreationOptions.RunContinuationsAsynchronously)).Task;
            if (!entry.IsUnderWay && entry.NextAt > now)
            {
                entry.NextAt = now;
                _queue.Enqueue(entry, now);
            }
        }

        Wake();
        return report;
    }

    public void Done(LookReport report)
    {
        TaskCompletionSource<LookReport>? waiting;
        lock (_lock)
        {
            var entry = _entries[report.Domain.Name.Ascii];
            entry.IsUnderWay = false;
            entry.NextAt = report.NextAt;
            _queue.Enqueue(entry, report.NextAt);
            (waiting, entry.Waiting) = (entry.Waiting, null);
        }

        waiting?.SetResult(report);
        Wake();
    }

    /// <summary>There may be something to do.</summary>
    public void Wake()
    {
        lock (_lock)
        {
            _changed.TrySetResult();
        }
    }

    /// <summary>Until the next one is due, or something changed.</summary>
    /// <param name="hasRoom">False: what is due waits for something to change.</param>
    public async Task WaitAsync(bool hasRoom, TimeProvider clock, CancellationToken stop)
    {
        Task changed;
        TimeSpan? wait;
        lock (_lock)
        {
            if (_changed.Task.IsCompleted)
            {
                _changed = Signal();
                return;
            }

            changed = _changed.Task;
            wait = hasRoom && _queue.TryPeek(out _, out var at) ? at - clock.GetUtcNow() : null;
        }

        if (wait <= TimeSpan.Zero)
        {
            return;
        }

        using var ended = CancellationTokenSource.CreateLinkedTokenSource(stop);
        var due = Task.Delay(wait is { } time && time < TimeSpan.FromDays(1) ? time : TimeSpan.FromDays(1), clock, ended.Token);
        await Task.WhenAny(changed, due);
        await ended.CancelAsync();
        stop.ThrowIfCancellationRequested();
    }

    static TaskCompletionSource Signal() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    sealed class Entry(WatchedDomain domain)
    {
        public WatchedDomain Domain { get; } = domain;

        public DateTimeOffset NextAt { get; set; }

        public bool IsUnderWay { get; set; }

        public TaskCompletionSource<LookReport>? Waiting { get; set; }
    }
}
