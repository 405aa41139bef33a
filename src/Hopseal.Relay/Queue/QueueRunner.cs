using Hopseal.Relay.Attempt;
using Hopseal.Relay.Dsn;
using Microsoft.Extensions.Logging;

namespace Hopseal.Relay.Queue;

/// <summary>Step 5: due. Takes what is due and attempts it, many at once, without one slow destination holding up the
/// others. Every lease that it takes is settled, whatever happens.</summary>
public sealed partial class QueueRunner : IDisposable
{
    readonly MessageQueue _queue;
    readonly QueueRunnerOptions _options;
    readonly LeaseAttempt _attempt;
    readonly ILogger _log;
    readonly Lock _lock = new();
    readonly DestinationLanes _lanes;
    readonly SemaphoreSlim _room;
    readonly TaskCompletionSource _drained = new(TaskCreationOptions.RunContinuationsAsynchronously);
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
        _lanes = new DestinationLanes(options.MaxAttempts, options.MaxAttemptsPerDestination, options.MaxWaitingPerDestination);
        _room = new SemaphoreSlim(options.MaxWaiting);
    }

    /// <summary>Runs until <paramref name="stop"/>, then takes nothing more, lets attempts under way end within
    /// <see cref="QueueRunnerOptions.StopTimeout"/>, breaks off the rest, and settles everything. Runs once.</summary>
    public async Task RunAsync(CancellationToken stop)
    {
        using var breakOff = new CancellationTokenSource();
        using var giveUpSettling = new CancellationTokenSource();
        var signals = new Signals(stop, breakOff.Token, giveUpSettling.Token);
        try
        {
            await foreach (var lease in _queue.DueAsync(stop))
            {
                await AdmitAsync(lease, signals);
            }
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            LogStopping(_log);
        }
        finally
        {
            await DrainAsync(breakOff, giveUpSettling);
        }
    }

    public void Dispose() => _room.Dispose();

    async ValueTask AdmitAsync(QueueLease lease, Signals signals)
    {
        try
        {
            await _room.WaitAsync(signals.Stop);
        }
        catch (OperationCanceledException)
        {
            await _attempt.GiveBackAsync(lease, ReplyVerdict.OfStop(), TimeSpan.Zero, signals.GiveUpSettling);
            throw;
        }

        bool admitted;
        lock (_lock)
        {
            admitted = _lanes.TryAdmit(_options.DestinationOf(lease.Domain), lease);
        }

        if (!admitted)
        {
            _room.Release();
            LogCongested(_log, lease.Id, lease.Domain);
            await _attempt.GiveBackAsync(lease, ReplyVerdict.OfCongestion(), _options.CongestionDelay, signals.Stop);
            return;
        }

        StartWhatMay(signals);
    }

    void StartWhatMay(Signals signals)
    {
        lock (_lock)
        {
            while (!signals.Stop.IsCancellationRequested && !_stopping && _lanes.TryStart(out var destination, out var lease))
            {
                _room.Release();
                _ = Task.Run(() => AttemptAsync(destination, lease, signals), CancellationToken.None);
            }
        }
    }

    async Task AttemptAsync(string destination, QueueLease lease, Signals signals)
    {
        try
        {
            await _attempt.RunAsync(lease, signals.BreakOff, signals.GiveUpSettling);
        }
        catch (Exception e)
        {
            LogUnsettled(_log, e, lease.Id, lease.Domain);
        }
        finally
        {
            lock (_lock)
            {
                _lanes.End(destination);
                if (_stopping && _lanes.Running == 0)
                {
                    _drained.TrySetResult();
                }
            }

            StartWhatMay(signals);
        }
    }

    async Task DrainAsync(CancellationTokenSource breakOff, CancellationTokenSource giveUpSettling)
    {
        List<QueueLease> waiting;
        lock (_lock)
        {
            _stopping = true;
            waiting = _lanes.TakeWaiting();
            if (_lanes.Running == 0)
            {
                _drained.TrySetResult();
            }
        }

        using var limit = new CancellationTokenSource(_options.StopTimeout + _options.SettleTimeout, _options.Clock);
        using var broken = limit.Token.Register(giveUpSettling.Cancel);
        var givingBack = GiveBackAsync(waiting, limit.Token);
        try
        {
            await _drained.Task.WaitAsync(_options.StopTimeout, _options.Clock);
        }
        catch (TimeoutException)
        {
            await breakOff.CancelAsync();
            await _drained.Task;
        }

        await givingBack;
    }

    async Task GiveBackAsync(List<QueueLease> waiting, CancellationToken cancel)
    {
        foreach (var lease in waiting)
        {
            await _attempt.GiveBackAsync(lease, ReplyVerdict.OfStop(), TimeSpan.Zero, cancel);
        }
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "The queue is being stopped; attempts under way may end")]
    static partial void LogStopping(ILogger log);

    [LoggerMessage(Level = LogLevel.Debug, Message = "Message {Id} for {Domain} waits in the queue: many others go there")]
    static partial void LogCongested(ILogger log, QueueId id, string domain);

    [LoggerMessage(
        Level = LogLevel.Error,
        Message = "What became of message {Id} for {Domain} is not written down; it is tried again after a restart, and may arrive twice")]
    static partial void LogUnsettled(ILogger log, Exception e, QueueId id, string domain);

    /// <param name="Stop">Takes and begins nothing more.</param>
    /// <param name="BreakOff">Ends attempts under way.</param>
    /// <param name="GiveUpSettling">Ends the wait for a store that fails.</param>
    readonly record struct Signals(CancellationToken Stop, CancellationToken BreakOff, CancellationToken GiveUpSettling);
}
