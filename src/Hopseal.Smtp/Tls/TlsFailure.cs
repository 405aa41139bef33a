namespace Hopseal.Smtp.Tls;

/// <summary>The result types of RFC 8460 §4.3, in its order; one member per IANA registry entry.</summary>
public enum TlsResultType
{
    // Negotiation failures, RFC 8460 §4.3.1
    StarttlsNotSupported,
    CertificateHostMismatch,
    CertificateExpired,
    CertificateNotTrusted,
    ValidationFailure,

    // DANE policy failures, RFC 8460 §4.3.2.1
    TlsaInvalid,
    DnssecInvalid,
    DaneRequired,

    // MTA-STS policy failures, RFC 8460 §4.3.2.2
    StsPolicyFetchError,
    StsPolicyInvalid,
    StsWebpkiInvalid,
}

/// <summary>The published policies that a failure is one of (RFC 8460 §4.3). Only their owners are told of it.</summary>
[Flags]
public enum ReportedAgainst
{
    /// <summary>Nobody published what was missed: an operator or a sender of ours asked for it, or nobody.</summary>
    None = 0,
    Dane = 1,
    MtaSts = 2,

    /// <summary>TLS itself failed, whatever was asked for.</summary>
    All = Dane | MtaSts,
}

/// <summary>Why a session was not as secure as a policy asked: the same value in the log line, the DSN, the metric label
/// and the TLS report (RFC 8460 §4.4 <c>failure-details</c>).</summary>
/// <param name="Type">The reportable category.</param>
/// <param name="ReasonCode">A short, stable, kebab-case detail; the report's <c>failure-reason-code</c>.</param>
/// <param name="Detail">Free text for a person; never parsed, never sent to the SMTP peer.</param>
public sealed record TlsFailure(TlsResultType Type, string ReasonCode, string? Detail = null)
{
    /// <summary>Of no account when failures are compared: two policies can be missed in the same way.</summary>
    public ReportedAgainst Against { get; init; } = ReportedAgainst.All;

    public bool Equals(TlsFailure? other) =>
        other is not null && (Type, ReasonCode, Detail) == (other.Type, other.ReasonCode, other.Detail);

    public override int GetHashCode() => HashCode.Combine(Type, ReasonCode, Detail);

    public override string ToString() =>
        Detail is null ? $"{Type.ToWire()} ({ReasonCode})" : $"{Type.ToWire()} ({ReasonCode}): {Detail}";
}

public static class TlsResultTypeNames
{
    /// <summary>The wire name, RFC 8460 §4.3. No default arm: a new member does not compile until it has one.</summary>
    public static string ToWire(this TlsResultType type) => type switch
    {
        TlsResultType.StarttlsNotSupported => "starttls-not-supported",
        TlsResultType.CertificateHostMismatch => "certificate-host-mismatch",
        TlsResultType.CertificateExpired => "certificate-expired",
        TlsResultType.CertificateNotTrusted => "certificate-not-trusted",
        TlsResultType.ValidationFailure => "validation-failure",
        TlsResultType.TlsaInvalid => "tlsa-invalid",
        TlsResultType.DnssecInvalid => "dnssec-invalid",
        TlsResultType.DaneRequired => "dane-required",
        TlsResultType.StsPolicyFetchError => "sts-policy-fetch-error",
        TlsResultType.StsPolicyInvalid => "sts-policy-invalid",
        TlsResultType.StsWebpkiInvalid => "sts-webpki-invalid",
    };
}
