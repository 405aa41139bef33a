using Hopseal.Policy;
using Hopseal.Relay;
using Hopseal.Relay.Queue;
using Hopseal.Smtp.Tls;

namespace Hopseal.Reports.Sessions;

/// <summary>One attempt in a line: what was wanted and by whom, what was reached, what became of it and why.</summary>
/// <param name="Wanted">See <see cref="DecidingHop"/>.</param>
/// <param name="Reached">Null when there was no session.</param>
/// <param name="FailureType">As RFC 8460 §4.3 writes it, where transport security was the reason.</param>
public sealed record AttemptSummary(
    string Plan, TransportLevel? Wanted, string? WantedBy, TransportLevel? Reached, string? Host, string? Peer, string Sessions,
    int Delivered, int Deferred, int Bounced, string? Status, string? Reason, string? FailureType)
{
    public static AttemptSummary Of(DeliveryAttempt attempt)
    {
        ArgumentNullException.ThrowIfNull(attempt);
        var outcomes = OutcomesOf(attempt);
        var worst = outcomes.FirstBounced ?? (RecipientOutcome?)outcomes.FirstDeferred;
        var (status, reason, missed) = worst switch
        {
            RecipientOutcome.Bounced bounced => (bounced.Status.ToString(), bounced.Reason, bounced.Security),
            RecipientOutcome.Deferred deferred => (deferred.Status.ToString(), deferred.Reason, deferred.Security),
            _ => ((string?)null, (string?)null, (MissedFloor?)null),
        };
        var (wanted, wantedBy, use) = DecidingHop.Of(attempt, outcomes.FirstDelivered ?? worst);
        var tls = use is null ? null : Transport.Of(use.Tls);
        return new AttemptSummary(
            attempt.Plan switch
            {
                DeliveryPlan.Relay => "relay",
                DeliveryPlan.Keep => "keep",
                DeliveryPlan.Defer => "defer",
                DeliveryPlan.Bounce => "bounce",
                _ => throw new ArgumentException($"unknown plan {attempt.Plan}", nameof(attempt)),
            },
            wanted is { } floor ? Transport.Of(floor) : null,
            wantedBy,
            tls?.Level,
            use?.Plan.Host.ToString() ?? (attempt.Plan as DeliveryPlan.Keep)?.Maildir,
            use?.Peer.Address.ToString(),
            attempt.Sessions is [var only] ? only.SessionId : string.Join(", ", attempt.Sessions.Select(session => session.SessionId)),
            outcomes.Delivered,
            outcomes.Deferred,
            outcomes.Bounced,
            status,
            reason,
            missed is { Failures.IsEmpty: false } ? missed.Failures[0].ToWire() : worst is null ? null : tls?.Type);
    }

    static Outcomes OutcomesOf(DeliveryAttempt attempt)
    {
        var outcomes = default(Outcomes);
        foreach (var (_, outcome) in attempt.Recipients)
        {
            switch (outcome)
            {
                case RecipientOutcome.Delivered delivered:
                    outcomes.Delivered++;
                    outcomes.FirstDelivered ??= delivered;
                    break;
                case RecipientOutcome.Deferred deferred:
                    outcomes.Deferred++;
                    outcomes.FirstDeferred ??= deferred;
                    break;
                case RecipientOutcome.Bounced bounced:
                    outcomes.Bounced++;
                    outcomes.FirstBounced ??= bounced;
                    break;
            }
        }

        return outcomes;
    }

    struct Outcomes
    {
        public int Delivered, Deferred, Bounced;
        public RecipientOutcome.Delivered? FirstDelivered;
        public RecipientOutcome.Deferred? FirstDeferred;
        public RecipientOutcome.Bounced? FirstBounced;
    }
}
