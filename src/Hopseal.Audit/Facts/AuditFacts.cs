using System.Collections.Immutable;

namespace Hopseal.Audit.Facts;

/// <summary>Everything that an audit saw, without a judgement: what is stored, and judged again with another profile.</summary>
/// <param name="Target">As <see cref="Targets.AuditTarget"/> writes it.</param>
/// <param name="Hosts">In the order of their preference; empty where none could be found.</param>
public sealed record AuditFacts(
    string Target,
    DateTimeOffset At,
    TimeSpan Elapsed,
    bool Deep,
    DomainFacts? Domain,
    ImmutableArray<HostFacts> Hosts)
{
    /// <summary>Of this shape; a reader takes what has the same first number.</summary>
    public const string Version = "1.0";

    public string FactsVersion { get; init; } = Version;
}

/// <summary>What DNS and the policy host say of a domain.</summary>
/// <param name="Mx">Its exchangers, or why they are not known.</param>
/// <param name="TlsRpt">RFC 8460 §3.</param>
public sealed record DomainFacts(string Name, MxFacts Mx, StsFacts Sts, TlsRptFacts TlsRpt);

/// <param name="State">What the look-up came to.</param>
/// <param name="Signed">DNSSEC says so (RFC 4035 §4.9.3).</param>
/// <param name="Detail">Why it is not known, or not usable.</param>
/// <param name="Exchangers">As published, those that are no host names included.</param>
public sealed record MxFacts(MxState State, bool Signed, ImmutableArray<ExchangerFacts> Exchangers, string? Detail = null);

public enum MxState
{
    Found,

    /// <summary>No MX record: the domain itself is the host (RFC 5321 §5.1).</summary>
    Implicit,

    /// <summary>It takes no mail (RFC 7505).</summary>
    Null,

    NoSuchDomain,

    /// <summary>None of its records names a host with an address.</summary>
    Unroutable,

    NotKnown,
}

/// <param name="Invalid">As published, where it is no host name.</param>
public sealed record ExchangerFacts(int Preference, string? Name, string? Invalid = null);

/// <summary>MTA-STS (RFC 8461).</summary>
/// <param name="Record">The id of the one record; null without a usable one.</param>
/// <param name="RecordProblem">Why it is not usable, or not known.</param>
/// <param name="RecordKnown">False when DNS could not tell.</param>
/// <param name="Policy">The policy that was fetched.</param>
/// <param name="FetchProblem">Why there is none: the reason code of RFC 8460 §4.3 and words.</param>
public sealed record StsFacts(string? Record, bool RecordKnown, string? RecordProblem, StsPolicyFacts? Policy, string? FetchProblem)
{
    /// <summary>Until when the certificate of the policy host is valid; null when none was seen.</summary>
    public DateTimeOffset? HostCertificateUntil { get; init; }
}

/// <param name="Mode">enforce, testing or none.</param>
public sealed record StsPolicyFacts(string Mode, long MaxAgeSeconds, ImmutableArray<string> Mx);

/// <param name="Record">Null without a usable one.</param>
/// <param name="Known">False when DNS could not tell.</param>
public sealed record TlsRptFacts(string? Record, bool Known, string? Problem, ImmutableArray<string> Ignored);
