using Hopseal.Dns;

namespace Hopseal.Policy.MtaSts;

/// <summary>A policy as it is kept between messages, and over restarts.</summary>
/// <param name="FetchedAt">When it last came from the policy host; its max_age counts from here.</param>
/// <param name="UsedAt">When mail for the domain was last planned by it, to about a day.</param>
public sealed record KeptStsPolicy(DomainName Domain, StsPolicy Policy, DateTimeOffset FetchedAt, DateTimeOffset UsedAt)
{
    // A max_age of 0 would else have the policy fetched for each message.
    static readonly TimeSpan s_shortest = TimeSpan.FromMinutes(1);
    static readonly TimeSpan s_day = TimeSpan.FromDays(1);

    /// <summary>When it no longer counts (RFC 8461 §3.2, max_age).</summary>
    public DateTimeOffset ExpiresAt => FetchedAt + (Policy.MaxAge > s_shortest ? Policy.MaxAge : s_shortest);

    /// <summary>When it is to be renewed: daily, and in time where it lives for less than two days (RFC 8461 §3.3, §10.2).</summary>
    public DateTimeOffset RenewAt => FetchedAt + (Policy.MaxAge / 2 < s_day ? Policy.MaxAge / 2 : s_day);
}

/// <summary>What happened to a policy: for logs, and for whoever stores it.</summary>
public abstract record StsNews
{
    StsNews()
    {
    }

    /// <param name="Before">The one it takes the place of.</param>
    public sealed record Fetched(KeptStsPolicy Now, StsPolicy? Before) : StsNews;

    /// <param name="Kept">The one that goes on counting. Without it, and with mode none, nobody loses anything (RFC 8461 §3.3).</param>
    public sealed record Failed(DomainName Domain, Smtp.Tls.TlsFailure Failure, KeptStsPolicy? Kept) : StsNews;
}
