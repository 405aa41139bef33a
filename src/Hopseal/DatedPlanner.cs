using Hopseal.Configuration;
using Hopseal.Dns;
using Hopseal.Policy;
using Hopseal.Policy.MtaSts;
using Hopseal.Smtp.Mail;

namespace Hopseal;

/// <summary>Plans with the rules of the day (UTC), so that an exception ends on its day and not with the next restart.</summary>
sealed class DatedPlanner
{
    readonly GatewayConfiguration _configuration;
    readonly IDnsResolver _resolver;
    readonly ProvenTlsMemory _proven;
    readonly StsPolicies? _sts;
    readonly TimeProvider _clock;
    volatile Day _today;

    public DatedPlanner(GatewayConfiguration configuration, IDnsResolver resolver, ProvenTlsMemory proven, StsPolicies? sts, TimeProvider clock)
    {
        _configuration = configuration;
        _resolver = resolver;
        _proven = proven;
        _sts = sts;
        _clock = clock;
        _today = Plan(Today());
    }

    /// <summary>See <see cref="DeliveryPlanner.PlanAsync(string, Mailbox?, CancellationToken)"/>.</summary>
    public ValueTask<DeliveryPlan> PlanAsync(string domain, Mailbox? sender, CancellationToken cancel)
    {
        var today = Today();
        if (_today.Date != today)
        {
            _today = Plan(today);
        }

        return _today.Planner.PlanAsync(domain, sender, cancel);
    }

    DateOnly Today() => DateOnly.FromDateTime(_clock.GetUtcNow().UtcDateTime);

    Day Plan(DateOnly date) => new(date, new DeliveryPlanner(_configuration.RoutingOn(date), _resolver, _proven, _sts));

    sealed record Day(DateOnly Date, DeliveryPlanner Planner);
}
