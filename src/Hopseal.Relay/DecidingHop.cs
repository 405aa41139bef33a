using Hopseal.Policy;
using Hopseal.Relay.Attempt;
using Hopseal.Relay.Queue;
using Hopseal.Smtp.Tls;

namespace Hopseal.Relay;

/// <summary>The host that decided an outcome of an attempt, out of all that were tried: what was wanted of it and by whom.</summary>
/// <param name="Wanted">Null where nobody was to be connected to.</param>
/// <param name="WantedBy">With the terms of exceptions: for the house, not for reports that leave it.</param>
/// <param name="Use">Null when no session was tried.</param>
public sealed record DecidingHop(SecurityFloor? Wanted, string? WantedBy, SessionUse? Use)
{
    /// <param name="outcome">Of one of its recipients; null: of the attempt as a whole, where it has none.</param>
    public static DecidingHop Of(DeliveryAttempt attempt, RecipientOutcome? outcome)
    {
        ArgumentNullException.ThrowIfNull(attempt);
        var missed = outcome switch
        {
            RecipientOutcome.Deferred deferred => deferred.Security,
            RecipientOutcome.Bounced bounced => bounced.Security,
            _ => null,
        };
        var use = outcome is RecipientOutcome.Delivered
            ? attempt.Sessions.LastOrDefault(session => session.Delivered > 0)
            : (missed is null ? null : attempt.Sessions.LastOrDefault(session => session.Tls is TlsOutcome.Refused))
                ?? attempt.Sessions.LastOrDefault(session => session.Deferred + session.Bounced > 0)
                ?? attempt.Sessions.LastOrDefault();
        return (use?.Plan ?? (missed is null ? Planned(attempt.Plan) : null), missed) switch
        {
            ({ } plan, _) => new DecidingHop(plan.Floor, SecurityWords.Source(plan, internally: true), use),
            (null, { } floor) => new DecidingHop(floor.Required, floor.Source, use),
            _ => new DecidingHop(null, null, use),
        };
    }

    /// <summary>The host that would have been tried first.</summary>
    static HostPlan? Planned(DeliveryPlan plan) => plan switch
    {
        DeliveryPlan.Relay relay => relay.Hosts[0],
        DeliveryPlan.Defer { Excluded: [var excluded, ..] } => excluded.Plan,
        _ => null,
    };
}
