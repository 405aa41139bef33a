using Hopseal.Dns;

namespace Hopseal.Policy;

/// <summary>Decides, before any connection is opened, how mail for a domain may travel.</summary>
public sealed class DeliveryPlanner(Routing routing, IDnsResolver resolver, ProvenTlsMemory proven)
{
    /// <summary>Throws only when cancelled.</summary>
    public ValueTask<DeliveryPlan> PlanAsync(DomainName domain, CancellationToken cancel)
    {
        _ = (routing, resolver, proven);
        throw new NotImplementedException();
    }
}

/// <summary>Which hosts completed TLS, and when last. In memory, loaded at start and saved by the caller.</summary>
public sealed class ProvenTlsMemory;
