using System.Collections.Immutable;
using Hopseal.Smtp.Tls;

namespace Hopseal.Policy.MtaSts;

/// <summary>What is known of a domain's MTA-STS policy now.</summary>
public abstract record StsFinding
{
    StsFinding()
    {
    }

    /// <summary>A policy that may be used: fetched now, or kept from before and not too old.</summary>
    /// <param name="FetchedAt">When it came from the policy host.</param>
    /// <param name="Failures">Why it could not be renewed just now; the kept one counts all the same (RFC 8461 §5.1).</param>
    public sealed record Found(StsPolicy Policy, DateTimeOffset FetchedAt, ImmutableArray<TlsFailure> Failures) : StsFinding;

    /// <summary>There is none, or none could be had.</summary>
    /// <param name="Why">For people.</param>
    /// <param name="Failures">Set when there should be one: a record announces it, and it cannot be fetched or read. They are
    /// reported (RFC 8460 §4.3.2.2).</param>
    public sealed record None(string Why, ImmutableArray<TlsFailure> Failures) : StsFinding
    {
        /// <summary>Not even whether a record announces one is known.</summary>
        public bool IsUnknown { get; init; }
    }
}
