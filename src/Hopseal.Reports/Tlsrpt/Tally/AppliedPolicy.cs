using System.Collections.Immutable;
using System.Globalization;
using Hopseal.Dns;
using Hopseal.Policy.MtaSts;
using Hopseal.Smtp.Tls;

namespace Hopseal.Reports.Tlsrpt.Tally;

/// <summary>A policy that was applied to sessions, as a report names it, and whom the report goes to: the same text is the same policy.</summary>
/// <param name="Domain">The policy domain (RFC 8460 §1.1): of the recipients for MTA-STS, the TLSA base domain for DANE. Its <c>_smtp._tls</c>
/// says where reports go.</param>
/// <param name="Text">See <see cref="PolicyResult.PolicyText"/>.</param>
sealed record AppliedPolicy(PolicyKind Kind, DomainName Domain, ImmutableArray<string> Text, ImmutableArray<string> MxHosts)
{
    public static AppliedPolicy None(DomainName domain) => new(PolicyKind.NoPolicyFound, domain, [], []);

    public static AppliedPolicy Sts(DomainName domain, StsPolicy policy) => new(PolicyKind.Sts, domain, Lines(policy), [.. policy.Mx.Take(ReportLimits.MostLines)]);

    /// <summary>Announced, and not to be had.</summary>
    public static AppliedPolicy UnknownSts(DomainName domain) => new(PolicyKind.Sts, domain, [], []);

    public static AppliedPolicy Tlsa(DomainName tlsaBase, ImmutableArray<TlsaRecord> records) =>
        new(PolicyKind.Tlsa, tlsaBase, [.. records.Take(ReportLimits.MostLines).Select(record => record.ToString())], []);

    /// <summary>The failures that are its own.</summary>
    public ReportedAgainst Against => Kind switch
    {
        PolicyKind.Tlsa => ReportedAgainst.Dane,
        PolicyKind.Sts => ReportedAgainst.MtaSts,
        PolicyKind.NoPolicyFound => ReportedAgainst.None,
    };

    public bool Equals(AppliedPolicy? other) =>
        other is not null
        && Kind == other.Kind
        && Domain == other.Domain
        && Text.AsSpan().SequenceEqual(other.Text.AsSpan())
        && MxHosts.AsSpan().SequenceEqual(other.MxHosts.AsSpan());

    public override int GetHashCode() => HashCode.Combine(Kind, Domain, Text.Length, Text.FirstOrDefault(), MxHosts.Length);

    /// <summary>RFC 8460 §4.5.</summary>
    static ImmutableArray<string> Lines(StsPolicy policy) =>
    [
        "version: STSv1",
        policy.Mode switch
        {
            StsMode.None => "mode: none",
            StsMode.Testing => "mode: testing",
            StsMode.Enforce => "mode: enforce",
        },
        .. policy.Mx.Take(ReportLimits.MostLines - 3).Select(host => $"mx: {host}"),
        string.Create(CultureInfo.InvariantCulture, $"max_age: {(long)policy.MaxAge.TotalSeconds}"),
    ];
}
