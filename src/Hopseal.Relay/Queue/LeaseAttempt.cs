using Hopseal.Policy;
using Hopseal.Relay.Attempt;
using Microsoft.Extensions.Logging;

namespace Hopseal.Relay.Queue;

/// <summary>One lease from its plan to its record: read what is our own, plan, deliver, settle, record.</summary>
sealed partial class LeaseAttempt(
    MessageQueue queue,
    Deliverer deliverer,
    Maildir maildir,
    AttemptReports reports,
    ISessionSink sink,
    QueueRunnerOptions options,
    ILogger log)
{
    /// <summary>The first of the event ids of this class.</summary>
    const int FirstEvent = 1221;

    /// <summary>Settles the lease whatever happens on the way; a fault of ours defers.</summary>
    /// <param name="judged">Told what came of the attempt before it is written down.</param>
    /// <param name="breakOff">Ends the attempt early; the rest is deferred.</param>
    /// <param name="giveUpSettling">Ends the wait for a store that fails.</param>
    /// <exception cref="OperationCanceledException"><paramref name="giveUpSettling"/>: nothing is written down.</exception>
    public async Task RunAsync(
        QueueLease lease, Action<DeliveryAttempt> judged, CancellationToken breakOff, CancellationToken giveUpSettling)
    {
        var startedAt = options.Clock.GetUtcNow();
        var started = options.Clock.GetTimestamp();
        var own = await ReadOwnAsync(lease, breakOff);
        if (own.Rest is not { } rest)
        {
            var alone = own.Alone(options.OwnMail!, startedAt, options.Clock.GetElapsedTime(started));
            await (breakOff.IsCancellationRequested ? FinishAsync(alone, giveUpSettling) : GiveUpOrFinishAsync(alone, giveUpSettling));
            return;
        }

        var attempt = await AttemptAsync(rest, breakOff);
        if (breakOff.IsCancellationRequested)
        {
            await FinishAsync(own.With(attempt), giveUpSettling);
            return;
        }

        judged(attempt);
        await GiveUpOrFinishAsync(own.With(attempt), giveUpSettling);
    }

    /// <summary>Settles a lease whose time is over without an attempt, because its destination is left alone for a
    /// while.</summary>
    /// <param name="failure">Why it is.</param>
    /// <exception cref="OperationCanceledException"><paramref name="giveUpSettling"/>: nothing is written down.</exception>
    public async Task SuspendAsync(QueueLease lease, RecipientOutcome.Deferred? failure, CancellationToken giveUpSettling)
    {
        var outcome = ReplyVerdict.OfSuspension(lease.Domain, failure);
        var startedAt = options.Clock.GetUtcNow();
        var own = await ReadOwnAsync(lease, giveUpSettling);
        var attempt = new DeliveryAttempt(
            lease,
            startedAt,
            TimeSpan.Zero,
            new DeliveryPlan.Defer(outcome.Status, outcome.Reason),
            [],
            [.. (own.Rest?.Pending.Recipients ?? []).Select(recipient => (recipient, (RecipientOutcome)outcome))],
            TlsFailed: false);
        await GiveUpOrFinishAsync(own.With(attempt), giveUpSettling);
    }

    Task GiveUpOrFinishAsync(DeliveryAttempt attempt, CancellationToken giveUpSettling)
    {
        var now = options.Clock.GetUtcNow();
        return FinishAsync(With(attempt, outcome => ReplyVerdict.GiveUp(outcome, attempt.Lease, now)), giveUpSettling);
    }

    async Task FinishAsync(DeliveryAttempt attempt, CancellationToken giveUpSettling)
    {
        var lease = attempt.Lease;
        var now = options.Clock.GetUtcNow();
        (attempt, var written) = await reports.WriteAsync(attempt, giveUpSettling);
        if (attempt.Recipients.Any(recipient => recipient.Outcome is RecipientOutcome.Deferred))
        {
            attempt = attempt with { RetryAt = RetryAt(lease, now) };
        }

        var settlement = new Settlement(
            [.. attempt.Recipients.Select(recipient => recipient.Outcome)], attempt.RetryAt, attempt.TlsFailed);
        await queue.SettleAsync(lease, settlement, written, giveUpSettling);
        sink.TryRecord(attempt);
    }

    /// <summary>Never throws: what could not be read is deferred.</summary>
    async ValueTask<OwnMailReading> ReadOwnAsync(QueueLease lease, CancellationToken breakOff)
    {
        try
        {
            return await OwnMailReading.OfAsync(options.OwnMail, lease, cancel => queue.OpenContentAsync(lease.Id, cancel), breakOff);
        }
        catch (OperationCanceledException) when (breakOff.IsCancellationRequested)
        {
            return OwnMailReading.Unread(options.OwnMail!, lease, ReplyVerdict.OfStop());
        }
        catch (Exception e)
        {
            LogUnread(log, e, lease.Id, lease.Domain);
            return OwnMailReading.Unread(options.OwnMail!, lease, ReplyVerdict.OfOwnFault("a fault of this gateway ended the reading"));
        }
    }

    /// <summary>Never throws.</summary>
    async Task<DeliveryAttempt> AttemptAsync(QueueLease lease, CancellationToken breakOff)
    {
        var startedAt = options.Clock.GetUtcNow();
        var started = options.Clock.GetTimestamp();
        DeliveryPlan plan = new DeliveryPlan.Defer(new(4, 3, 0), "there is no plan");
        RecipientOutcome outcome;
        try
        {
            // Step 6: plan.
            plan = (await options.Plan(lease, breakOff)).For(lease.Pending);
            if (plan is DeliveryPlan.Relay relay)
            {
                return await deliverer.DeliverAsync(lease, relay, cancel => queue.OpenContentAsync(lease.Id, cancel), breakOff);
            }

            outcome = plan is DeliveryPlan.Keep keep
                ? await KeepAsync(lease, keep, breakOff)
                : ReplyVerdict.OfPlan(plan) ?? throw new InvalidOperationException($"unknown plan {plan}");
        }
        catch (OperationCanceledException) when (breakOff.IsCancellationRequested)
        {
            outcome = ReplyVerdict.OfStop();
        }
        catch (Exception e)
        {
            LogFailed(log, e, lease.Id, lease.Domain);
            outcome = ReplyVerdict.OfOwnFault("a fault of this gateway ended the attempt");
        }

        return new DeliveryAttempt(
            lease,
            startedAt,
            options.Clock.GetElapsedTime(started),
            plan,
            [],
            [.. lease.Pending.Recipients.Select(recipient => (recipient, outcome))],
            TlsFailed: false);
    }

    async ValueTask<RecipientOutcome> KeepAsync(QueueLease lease, DeliveryPlan.Keep keep, CancellationToken cancel)
    {
        await using var content = await queue.OpenContentAsync(lease.Id, cancel);
        await maildir.DeliverAsync(keep.Maildir, lease.Pending, content, cancel);
        return ReplyVerdict.OfKept();
    }

    /// <summary>The last attempt comes exactly when the time is over, not a retry later.</summary>
    DateTimeOffset RetryAt(QueueLease lease, DateTimeOffset now)
    {
        var next = now + options.Schedule.DelayAfter(lease.AttemptNumber);
        return now < lease.GivesUpAt && lease.GivesUpAt < next ? lease.GivesUpAt : next;
    }

    static DeliveryAttempt With(DeliveryAttempt attempt, Func<RecipientOutcome, RecipientOutcome> change) => attempt with
    {
        Recipients = [.. attempt.Recipients.Select(recipient => (recipient.Recipient, change(recipient.Outcome)))],
    };

    [LoggerMessage(FirstEvent, LogLevel.Error, "An attempt at message {Id} for {Domain} failed by a fault of ours; it is tried again")]
    static partial void LogFailed(ILogger log, Exception e, QueueId id, string domain);

    [LoggerMessage(FirstEvent + 1, LogLevel.Error, "Message {Id} for {Domain} could not be read by a fault of ours; it is tried again")]
    static partial void LogUnread(ILogger log, Exception e, QueueId id, string domain);
}
