using System.Collections.Immutable;

namespace Hopseal.Dns;

/// <summary>What DNSSEC says of an answer (RFC 4033 §5). Bogus is not here: a bogus answer is a
/// <see cref="DnsAnswer{T}.Failed"/>, because it must never be used as data.</summary>
public enum DnssecStatus
{
    Insecure,
    Secure,
}

/// <summary>Why there is no answer. None of these means "no such record": a caller that treats them so downgrades
/// (RFC 7672 §2.1).</summary>
public enum DnsFailureKind
{
    TimedOut,
    ServerFailure,
    Refused,
    Malformed,
    Unreachable,
}

/// <summary>The answer to one question. A closed sum: found, provably or apparently absent, or not known.</summary>
public abstract record DnsAnswer<T>
{
    DnsAnswer()
    {
    }

    /// <param name="Records">At least one, in the order received.</param>
    /// <param name="Owner">The name that holds the records, after any CNAMEs.</param>
    /// <param name="Status">Secure only when the whole chain, CNAMEs included, was validated.</param>
    /// <param name="Ttl">The smallest TTL on the way.</param>
    public sealed record Found(ImmutableArray<T> Records, DomainName Owner, DnssecStatus Status, TimeSpan Ttl) : DnsAnswer<T>;

    /// <summary>The name exists, with no record of this type (RFC 2308 §2.2).</summary>
    public sealed record NoData(DnssecStatus Status) : DnsAnswer<T>;

    /// <summary>The name does not exist (RFC 2308 §2.1).</summary>
    public sealed record NameError(DnssecStatus Status) : DnsAnswer<T>;

    /// <summary>Not known: time-out, SERVFAIL (bogus included), refusal, or an answer that is none.</summary>
    /// <param name="Detail">For people: the server, the code, an extended DNS error (RFC 8914) where there is one.</param>
    public sealed record Failed(DnsFailureKind Kind, string Detail) : DnsAnswer<T>;
}

/// <summary>A mail exchanger (RFC 5321 §5.1).</summary>
/// <param name="Preference">0 to 65535; the lowest is tried first.</param>
/// <param name="Exchange">Null for the root name, and for a name that no host can have (<paramref name="Invalid"/>).</param>
/// <param name="Invalid">The exchange as published, when it is no host name: an address, or illegal characters.</param>
public sealed record MxRecord(int Preference, DomainName? Exchange, string? Invalid = null)
{
    /// <summary>The exchange is the root name: "no mail here", if it is the only record (RFC 7505 §3).</summary>
    public bool IsNull => Exchange is null && Invalid is null;
}
