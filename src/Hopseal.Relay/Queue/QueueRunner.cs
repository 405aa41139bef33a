using System.Collections.Immutable;
using Hopseal.Relay.Attempt;
using Hopseal.Relay.Dsn;
using Microsoft.Extensions.Logging;

namespace Hopseal.Relay.Queue;

/// <summary>Step 5: due. Takes what is due and attempts it, many at once, without one slow destination holding up the
/// others. Every lease that it takes is settled or returned, whatever happens.</summary>
public sealed partial class QueueRunner : ILeaseTaker, IDisposable
{
    /// <summary>The first of the event ids of this class.</summary>
    const int FirstEvent = 1211;

    /// <summary>Leases at once that are given up without an attempt.</summary>
    const int MaxSuspended = 32;

    /// <summary>How long an attempt keeps its place while its destination has not answered. Whoever answers at all has said so by then, or
    /// loses nothing: the attempt goes on.</summary>
    static readonly TimeSpan s_patience = TimeSpan.FromSeconds(5);

    readonly MessageQueue _queue;
    readonly QueueRunnerOptions _options;
    readonly LeaseAttempt _attempt;
    readonly ILogger _log;
    readonly Lock _lock = new();
    readonly DestinationLanes _lanes;
    readonly CancellationTokenSource _breakOff = new();
    readonly CancellationTokenSource _giveUpSettling = new();
    readonly TaskCompletionSource _drained = new(TaskCreationOptions.RunContinuationsAsynchronously);
    int _suspended;
    int _returning;
    bool _suspendedRefused;
    bool _stopping;

    public QueueRunner(
        MessageQueue queue,
        Deliverer deliverer,
        Maildir maildir,
        DeliveryReport reports,
        ISessionSink sink,
        QueueRunnerOptions options,
        ILogger<QueueRunner> log)
    {
        ArgumentNullException.ThrowIfNull(queue);
        ArgumentNullException.ThrowIfNull(options);
        _queue = queue;
        _options = options;
        _log = log;
        _attempt = new LeaseAttempt(
            queue, deliverer, maildir, new AttemptReports(reports, queue, options.Clock, log), sink, options, log);
        _lanes = new DestinationLanes(options.Lanes);
    }

    /// <summary>Runs until <paramref name="stop"/>, then takes nothing more, lets attempts under way end within
    /// <see cref="QueueRunnerOptions.StopTimeout"/>, breaks off the rest, and settles everything; what does not end even then is left behind. Runs once.</summary>
    public async Task RunAsync(CancellationToken stop)
    {
        await using var stopping = stop.Register(() => Change(() => _stopping = true));
        try
        {
            await _queue.FeedAsync(this, stop);
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            LogStopping(_log);
        }
        finally
        {
            await DrainAsync();
        }
    }

    /// <summary>Lets a recipient domain be attempted at once, whatever came of earlier attempts: an operator knows better.</summary>
    public void Retry(string domain)
    {
        lock (_lock)
        {
            _lanes.Forget(_options.DestinationOf(domain));
        }

        _queue.Wake();
    }

    /// <summary>Why the destination of a domain is left alone for a while; null when it is not.</summary>
    public RecipientOutcome.Deferred? FailureOf(string domain)
    {
        lock (_lock)
        {
            return _lanes.FailureOf(_options.DestinationOf(domain));
        }
    }

    public void Dispose()
    {
        _breakOff.Dispose();
        _giveUpSettling.Dispose();
    }

    LeaseAnswer ILeaseTaker.Ask(string domain, bool arriving)
    {
        lock (_lock)
        {
            return _stopping
                ? LeaseAnswer.Full.Instance
                : _lanes.Reserve(_options.DestinationOf(domain), arriving, _options.Clock.GetUtcNow());
        }
    }

    bool ILeaseTaker.AskSuspended()
    {
        lock (_lock)
        {
            _suspendedRefused = _stopping || _suspended >= MaxSuspended;
            _suspended += _suspendedRefused ? 0 : 1;
            return !_suspendedRefused;
        }
    }

    void ILeaseTaker.Release(string domain, bool suspended) => Change(() =>
    {
        if (suspended)
        {
            _suspended--;
        }
        else
        {
            _lanes.Release(_options.DestinationOf(domain));
        }
    });

    void ILeaseTaker.Take(QueueLease lease)
    {
        if (lease.Suspended)
        {
            _ = Task.Run(() => SuspendAsync(lease), CancellationToken.None);
            return;
        }

        Change(() =>
        {
            // The destination may have failed, or the end may have come, since the place was reserved.
            var destination = _options.DestinationOf(lease.Domain);
            _lanes.Admit(destination, lease);
            if (_stopping || _lanes.MustWait(destination, _options.Clock.GetUtcNow()))
            {
                Return(_lanes.TakeWaiting(destination));
            }
        });
    }

    void ILeaseTaker.EndRound()
    {
        lock (_lock)
        {
            _lanes.EndRound();
        }
    }

    /// <summary>Changes what is under way, and starts what may run then.</summary>
    void Change(Action change)
    {
        bool wish;
        lock (_lock)
        {
            change();
            while (!_stopping && _lanes.TryStart(out var destination, out var lease))
            {
                var isProven = _lanes.IsProven(destination);
                _ = Task.Run(() => AttemptAsync(destination, lease, isProven), CancellationToken.None);
            }

            wish = _lanes.TakeWish() || _suspendedRefused && _suspended <= MaxSuspended / 2;
            _suspendedRefused &= _suspended > MaxSuspended / 2;
            if (_stopping && _lanes.IsEmpty && _suspended == 0 && _returning == 0)
            {
                _drained.TrySetResult();
            }
        }

        if (wish)
        {
            _queue.Wake();
        }
    }

    async Task AttemptAsync(string destination, QueueLease lease, bool isProven)
    {
        var beside = false;
        var ended = false;
        using var patience = isProven ? null : _options.Clock.CreateTimer(
            _ => Change(() => beside = !ended && _lanes.StepAside(destination)), null, s_patience, Timeout.InfiniteTimeSpan);
        try
        {
            await _attempt.RunAsync(lease, attempt => Judge(destination, attempt), _breakOff.Token, _giveUpSettling.Token);
        }
        catch (Exception e)
        {
            LogUnsettled(_log, e, lease.Id, lease.Domain);
        }
        finally
        {
            Change(() =>
            {
                ended = true;
                _lanes.End(destination, beside);
            });
        }
    }

    async Task SuspendAsync(QueueLease lease)
    {
        try
        {
            await _attempt.SuspendAsync(lease, FailureOf(lease.Domain), _giveUpSettling.Token);
        }
        catch (Exception e)
        {
            LogUnsettled(_log, e, lease.Id, lease.Domain);
        }
        finally
        {
            Change(() => _suspended--);
        }
    }

    /// <summary>Before the attempt is written down: whoever looks then for what is due knows of it.</summary>
    void Judge(string destination, DeliveryAttempt attempt)
    {
        var word = DestinationWords.Of(attempt, _options.IsParticular(attempt.Lease.Pending.ReturnPath));
        if (word == DestinationWord.Nothing)
        {
            return;
        }

        var now = _options.Clock.GetUtcNow();
        Change(() =>
        {
            if (word == DestinationWord.Answered)
            {
                _lanes.Answered(destination, now);
                return;
            }

            var failure = attempt.Recipients.Select(recipient => recipient.Outcome).OfType<RecipientOutcome.Deferred>().First();
            Return(_lanes.Failed(destination, attempt.StartedAt, now, failure));
        });
    }

    /// <summary>Within the lock.</summary>
    void Return(List<QueueLease> leases)
    {
        if (leases.Count > 0)
        {
            _returning++;
            _ = Task.Run(() => ReturnAsync([.. leases]), CancellationToken.None);
        }
    }

    async Task ReturnAsync(ImmutableArray<QueueLease> leases)
    {
        try
        {
            await _queue.ReturnAsync(leases, _giveUpSettling.Token);
        }
        catch (Exception e)
        {
            LogNotReturned(_log, e, leases.Length);
        }
        finally
        {
            Change(() => _returning--);
        }
    }

    async Task DrainAsync()
    {
        Change(() =>
        {
            _stopping = true;
            Return(_lanes.TakeWaiting());
        });
        try
        {
            await _drained.Task.WaitAsync(_options.StopTimeout, _options.Clock);
            return;
        }
        catch (TimeoutException)
        {
            await _breakOff.CancelAsync();
        }

        try
        {
            await _drained.Task.WaitAsync(_options.SettleTimeout, _options.Clock);
            return;
        }
        catch (TimeoutException)
        {
            await _giveUpSettling.CancelAsync();
        }

        try
        {
            await _drained.Task.WaitAsync(_options.LastTimeout, _options.Clock);
        }
        catch (TimeoutException)
        {
            LeaveBehind();
        }
    }

    /// <summary>Nothing is lost by it: what is leased and not settled is tried again after a restart.</summary>
    void LeaveBehind()
    {
        lock (_lock)
        {
            LogLeftBehind(_log, _lanes.Running, _lanes.Held + _suspended, _returning);
        }
    }

    [LoggerMessage(FirstEvent, LogLevel.Information, "The queue is being stopped; attempts under way may end")]
    static partial void LogStopping(ILogger log);

    [LoggerMessage(
        FirstEvent + 1, LogLevel.Error,
        "What became of message {Id} for {Domain} is not written down; it is tried again after a restart, and may arrive twice")]
    static partial void LogUnsettled(ILogger log, Exception e, QueueId id, string domain);

    [LoggerMessage(FirstEvent + 2, LogLevel.Warning, "{Count} messages could not be given back to the queue; they are tried again after a restart")]
    static partial void LogNotReturned(ILogger log, Exception e, int count);

    [LoggerMessage(
        FirstEvent + 3, LogLevel.Error,
        "The stop does not wait any longer for {Attempts} attempts, {Leases} leases and {Returns} returns that do not end; what they hold is tried again after a restart")]
    static partial void LogLeftBehind(ILogger log, int attempts, int leases, int returns);
}
