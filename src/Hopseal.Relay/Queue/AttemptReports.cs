using System.Collections.Immutable;
using Hopseal.Relay.Attempt;
using Hopseal.Relay.Dsn;
using Microsoft.Extensions.Logging;

namespace Hopseal.Relay.Queue;

/// <summary>The reports that one attempt gives rise to, one for each action; they are settled together with it.</summary>
sealed partial class AttemptReports(DeliveryReport reports, MessageQueue queue, TimeProvider clock, ILogger log)
{
    static readonly ImmutableArray<ReportAction> s_actions = [ReportAction.Failed, ReportAction.Delivered, ReportAction.Relayed];

    /// <summary>Never throws. When the report on a failure cannot be written, nothing bounces: a message must not vanish without a word.
    /// A success that cannot be reported stays one.</summary>
    public async ValueTask<(DeliveryAttempt Attempt, ImmutableArray<StoredMessage> Reports)> WriteAsync(
        DeliveryAttempt attempt, CancellationToken cancel)
    {
        if (attempt.Lease.Pending.ReturnPath is null)
        {
            TellNobody(attempt);
            return (attempt, []);
        }

        // Mail that is given up while its destination is left alone was not attempted now.
        DateTimeOffset? attemptedAt = attempt.Lease.Suspended ? null : clock.GetUtcNow();
        var written = ImmutableArray.CreateBuilder<StoredMessage>();
        foreach (var action in s_actions)
        {
            ImmutableArray<ReportedRecipient> recipients =
                [.. from recipient in attempt.Recipients
                    where NotifyRule.ActionFor(recipient.Recipient, recipient.Outcome) == action
                    select ReportedRecipient.Of(recipient.Recipient, recipient.Outcome, attemptedAt)];
            if (recipients.IsEmpty)
            {
                continue;
            }

            if (await WriteAsync(attempt.Lease, action, recipients, cancel) is { } report)
            {
                written.Add(report);
            }
            else if (action is ReportAction.Failed)
            {
                attempt = WithoutBounces(attempt);
            }
        }

        return (attempt, written.DrainToImmutable());
    }

    async ValueTask<StoredMessage?> WriteAsync(
        QueueLease lease, ReportAction action, ImmutableArray<ReportedRecipient> recipients, CancellationToken cancel)
    {
        try
        {
            return await reports.WriteAsync(
                ReportedMessage.Of(lease), action, recipients, cancel => queue.OpenContentAsync(lease.Id, cancel), cancel);
        }
        catch (Exception e)
        {
            LogNoReport(log, e, action, lease.Id, lease.Domain);
            return null;
        }
    }

    void TellNobody(DeliveryAttempt attempt)
    {
        var bounced = attempt.Recipients.Select(recipient => recipient.Outcome).OfType<RecipientOutcome.Bounced>().ToList();
        if (bounced.Count > 0)
        {
            LogNobodyToTell(log, attempt.Lease.Id, attempt.Lease.Domain, bounced.Count, bounced[0].Reason);
        }
    }

    static DeliveryAttempt WithoutBounces(DeliveryAttempt attempt)
    {
        var kept = ReplyVerdict.OfOwnFault("the report on its failure could not be written");
        return attempt with
        {
            Recipients =
                [.. attempt.Recipients.Select(recipient =>
                    NotifyRule.ActionFor(recipient.Recipient, recipient.Outcome) is ReportAction.Failed
                        ? (recipient.Recipient, kept)
                        : recipient)],
        };
    }

    [LoggerMessage(
        1231,
        LogLevel.Error,
        "The report ({Action}) on message {Id} for {Domain} could not be written; a message that failed stays in the queue")]
    static partial void LogNoReport(ILogger log, Exception e, ReportAction action, QueueId id, string domain);

    [LoggerMessage(
        1232,
        LogLevel.Warning,
        "Message {Id} for {Domain} has the null sender, so nobody is told that {Recipients} recipients failed: {Reason}")]
    static partial void LogNobodyToTell(ILogger log, QueueId id, string domain, int recipients, string reason);
}
