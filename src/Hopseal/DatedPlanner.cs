using System.Collections.Immutable;
using Hopseal.Configuration;
using Hopseal.Dns;
using Hopseal.Policy;
using Hopseal.Policy.MtaSts;
using Hopseal.Smtp.Mail;

namespace Hopseal;

/// <summary>Plans with the rules of the day (UTC), so that an exception ends on its day and not with the next restart; and with those that were
/// made meanwhile.</summary>
sealed class DatedPlanner
{
    readonly GatewayConfiguration _configuration;
    readonly IDnsResolver _resolver;
    readonly ProvenTlsMemory _proven;
    readonly StsPolicies? _sts;
    readonly Func<ImmutableArray<OutboundRule>> _required;
    readonly TimeProvider _clock;
    volatile Day _today;

    /// <param name="required">Rules that stand in no configuration; the same array as long as nothing changed.</param>
    public DatedPlanner(
        GatewayConfiguration configuration,
        IDnsResolver resolver,
        ProvenTlsMemory proven,
        StsPolicies? sts,
        Func<ImmutableArray<OutboundRule>> required,
        TimeProvider clock)
    {
        _configuration = configuration;
        _resolver = resolver;
        _proven = proven;
        _sts = sts;
        _required = required;
        _clock = clock;
        _today = Plan(Today(), required());
    }

    /// <summary>See <see cref="DeliveryPlanner.PlanAsync(string, Mailbox?, CancellationToken)"/>.</summary>
    public ValueTask<DeliveryPlan> PlanAsync(string domain, Mailbox? sender, CancellationToken cancel)
    {
        var (date, required) = (Today(), _required());
        var today = _today;
        if (today.Date != date || today.Required != required)
        {
            _today = today = Plan(date, required);
        }

        return today.Planner.PlanAsync(domain, sender, cancel);
    }

    DateOnly Today() => DateOnly.FromDateTime(_clock.GetUtcNow().UtcDateTime);

    Day Plan(DateOnly date, ImmutableArray<OutboundRule> required)
    {
        var routing = _configuration.RoutingOn(date);
        return new Day(date, required, new DeliveryPlanner(routing with { Rules = [.. routing.Rules, .. required] }, _resolver, _proven, _sts));
    }

    sealed record Day(DateOnly Date, ImmutableArray<OutboundRule> Required, DeliveryPlanner Planner);
}
