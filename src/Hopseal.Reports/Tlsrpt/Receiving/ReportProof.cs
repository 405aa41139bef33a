using Hopseal.Dns;

namespace Hopseal.Reports.Tlsrpt.Receiving;

/// <summary>Who stands for a report: what its DKIM signature (RFC 6376) proved. Only a report that the domain of its author signed counts; the others must
/// be ignored (RFC 8460 §3), and are kept for people to look at.</summary>
public abstract record ReportProof
{
    ReportProof()
    {
    }

    /// <summary>By the domain of its author, one above it, or one below it.</summary>
    public sealed record Signed(DomainName Signer) : ReportProof;

    /// <summary>By a domain that the author's has nothing to do with.</summary>
    public sealed record SignedByAnother(DomainName Signer) : ReportProof;

    /// <summary>Mail without a signature; or a report that did not come by mail.</summary>
    public sealed record Unsigned : ReportProof;

    /// <param name="Why">For people.</param>
    public sealed record Broken(string Why) : ReportProof;

    /// <summary>The key could not be had. It may be had later.</summary>
    /// <param name="Why">For people.</param>
    public sealed record Unknown(string Why) : ReportProof;

    /// <summary>The domain that answers for it; null: nobody does.</summary>
    public DomainName? VerifiedBy => (this as Signed)?.Signer;

    /// <summary>For people: <c>signed by example.org</c>.</summary>
    public override sealed string ToString() => this switch
    {
        Signed signed => $"signed by {signed.Signer}",
        SignedByAnother other => $"not verified: signed by {other.Signer}, which is not the author's domain",
        Unsigned => "not verified: not signed",
        Broken broken => $"not verified: {broken.Why}",
        Unknown unknown => $"not verified: {unknown.Why}",
        _ => throw new InvalidOperationException("unknown proof"),
    };
}
