namespace Hopseal.Policy.MtaSts;

/// <summary>How <see cref="StsPolicies"/> works.</summary>
public sealed record StsOptions
{
    /// <summary>How long a message waits for a policy host. Then it goes on as if the fetch had failed; the fetch goes on too, and the
    /// policy is there for the next message.</summary>
    public TimeSpan Patience { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>After a failed fetch, that version of the policy is not asked for again so soon; five minutes at least (RFC 8461 §3.3).</summary>
    public TimeSpan BackOff { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>After a failed renewal of a policy that still counts.</summary>
    public TimeSpan RenewalBackOff { get; init; } = TimeSpan.FromHours(1);

    /// <summary>A policy that no mail used for so long is left to expire.</summary>
    public TimeSpan RenewUnused { get; init; } = TimeSpan.FromDays(90);

    public int FetchesAtOnce { get; init; } = 64;

    /// <summary>Fetches that wait or run. Beyond, a message goes on as if its fetch had failed.</summary>
    public int MostFetches { get; init; } = 1000;

    /// <summary>Of all policies that are kept, in host patterns; those not used for longest give way.</summary>
    public int MostPatterns { get; init; } = 200_000;

    /// <summary>Told of each fetch, on any thread; must not block or throw.</summary>
    public Action<StsNews>? Tell { get; init; }
}
