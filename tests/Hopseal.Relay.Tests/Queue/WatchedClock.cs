using Microsoft.Extensions.Time.Testing;

namespace Hopseal.Relay.Tests.Queue;

/// <summary>A clock that knows when somebody has begun to wait for it, so that a test moves it then and not by luck. For one
/// waiter.</summary>
sealed class WatchedClock(DateTimeOffset start) : FakeTimeProvider(start)
{
    readonly Lock _lock = new();
    TaskCompletionSource _armed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    DateTimeOffset? _due;

    /// <summary>Completes when a timer is set, to a time or to never, from now on.</summary>
    public Task ArmedAsync()
    {
        lock (_lock)
        {
            return _armed.Task;
        }
    }

    /// <summary>Moves from one due time to the next until the task is complete.</summary>
    public async Task AdvanceUntilAsync(Task task, CancellationToken cancel)
    {
        while (!task.IsCompleted)
        {
            var armed = ArmedAsync();
            if (_due is { } due && due > GetUtcNow())
            {
                Advance(due - GetUtcNow());
            }
            else
            {
                await Task.WhenAny(task, armed).WaitAsync(TimeSpan.FromSeconds(30), cancel);
            }
        }

        await task;
    }

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = new Watched(this, base.CreateTimer(callback, state, dueTime, period));
        Armed(dueTime);
        return timer;
    }

    void Armed(TimeSpan dueTime)
    {
        lock (_lock)
        {
            _due = dueTime == Timeout.InfiniteTimeSpan ? null : GetUtcNow() + dueTime;
            _armed.SetResult();
            _armed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        }
    }

    sealed class Watched(WatchedClock clock, ITimer timer) : ITimer
    {
        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            var changed = timer.Change(dueTime, period);
            clock.Armed(dueTime);
            return changed;
        }

        public void Dispose() => timer.Dispose();

        public ValueTask DisposeAsync() => timer.DisposeAsync();
    }
}
