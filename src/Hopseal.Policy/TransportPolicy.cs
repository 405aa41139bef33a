using System.Collections.Immutable;
using Hopseal.Dns;
using Hopseal.Policy.MtaSts;
using Hopseal.Smtp.Tls;

namespace Hopseal.Policy;

/// <summary>One policy found to apply to one host, and the floor it alone would set.</summary>
public abstract record TransportPolicy
{
    TransportPolicy()
    {
    }

    public abstract SecurityFloor Floor { get; }

    /// <summary>Nothing published: encrypt if offered (RFC 7435 §3).</summary>
    public sealed record Opportunistic : TransportPolicy
    {
        public override SecurityFloor Floor => SecurityFloor.Plaintext;
    }

    /// <summary>What the operator configured for this destination.</summary>
    /// <param name="Source">The configuration key that says so, for example <c>Outbound.Rules[0]</c>.</param>
    /// <param name="Exception">Set where it lowers what others ask for: each of those is <see cref="Excepted"/>.</param>
    public sealed record Operator(SecurityFloor Configured, string Source, ExceptionTerms? Exception = null) : TransportPolicy
    {
        public override SecurityFloor Floor => Configured;
    }

    /// <summary>A policy that asks for more than an exception in force lets it: it stays in the plan, and is seen in every record.</summary>
    /// <param name="Policy">What was asked for.</param>
    /// <param name="By">The exception.</param>
    public sealed record Excepted(TransportPolicy Policy, Operator By) : TransportPolicy
    {
        public override SecurityFloor Floor => By.Configured;
    }

    /// <summary>The operator wrote down whose certificate it is: one of these has to be the host's own. As at Postfix's level <c>fingerprint</c>
    /// its names, its dates and its issuer do not matter then, and no other proof is asked for by any rule.</summary>
    /// <param name="Source">The configuration key.</param>
    /// <param name="Vouched">False: the rule was found by the name of a host that nobody vouches for. Then it has to be met, and stands for no
    /// other proof: whoever forges an MX record would choose the host whose key he has.</param>
    public sealed record Pinned(ImmutableArray<CertificatePin> Pins, string Source, bool Vouched = true) : TransportPolicy
    {
        public override SecurityFloor Floor => SecurityFloor.Authenticated;

        public bool Equals(Pinned? other) =>
            other is not null && (Source, Vouched) == (other.Source, other.Vouched) && Pins.AsSpan().SequenceEqual(other.Pins.AsSpan());

        public override int GetHashCode() => HashCode.Combine(Source, Pins.Length, Vouched);
    }

    /// <summary>Only these authorities count for the host: neither those of the system nor those of <c>Trust.Roots</c>.</summary>
    /// <param name="Source">The configuration key.</param>
    /// <param name="Vouched">As in <see cref="Pinned"/>.</param>
    public sealed record PrivateAuthority(TrustedRoots Roots, string Source, bool Vouched = true) : TransportPolicy
    {
        public override SecurityFloor Floor => SecurityFloor.Authenticated;
    }

    /// <summary>No older version of TLS is offered to the host; where several rules name one, the highest counts.</summary>
    /// <param name="Source">The configuration key.</param>
    public sealed record MinimumVersion(TlsVersion Version, string Source) : TransportPolicy
    {
        public override SecurityFloor Floor => SecurityFloor.Encrypted;
    }

    /// <summary>We authenticate to this host; credentials never travel in plaintext (RFC 4954 §4).</summary>
    public sealed record Credentials : TransportPolicy
    {
        public override SecurityFloor Floor => SecurityFloor.Encrypted;
    }

    /// <summary>This host completed TLS before. If it no longer offers it, somebody on the path may be stripping it.</summary>
    /// <param name="LastVerifiedAt">When it last proved who it is, while that is remembered. The floor is the same: a certificate that
    /// nobody asked for may lapse, and mail must not wait for it.</param>
    public sealed record ProvenTls(DateTimeOffset LastProvenAt, DateTimeOffset? LastVerifiedAt = null) : TransportPolicy
    {
        public override SecurityFloor Floor => SecurityFloor.Encrypted;
    }

    /// <summary>Usable TLSA records (RFC 7672 §2.2): one of them has to match. MTA-STS may not override its failure (RFC 8461 §2).</summary>
    /// <param name="Base">The name under whose <c>_port._tcp</c> they are. It is the SNI name and the first reference name (RFC 7672 §2.2.3).</param>
    /// <param name="ReferenceNames">For usage 2: the base, the original name of the host, and the recipient domain if its MX record led
    /// there (RFC 7672 §3.2.2).</param>
    /// <param name="SecureMx">False: the records are validated, but the MX record that chose the host is not. Then they prove the host, and
    /// not that it is the right one (RFC 7672 §2.2.1).</param>
    public sealed record Dane(
        DomainName Base, ImmutableArray<TlsaRecord> Usable, ImmutableArray<string> ReferenceNames, bool SecureMx) : TransportPolicy
    {
        public override SecurityFloor Floor => SecurityFloor.Authenticated;

        public bool Equals(Dane? other) =>
            other is not null
            && Base == other.Base
            && SecureMx == other.SecureMx
            && Usable.AsSpan().SequenceEqual(other.Usable.AsSpan())
            && ReferenceNames.AsSpan().SequenceEqual(other.ReferenceNames.AsSpan());

        public override int GetHashCode() => HashCode.Combine(Base, Usable.Length, ReferenceNames.Length, SecureMx);
    }

    /// <summary>Validated TLSA records, and none that can be used: TLS is mandatory, unauthenticated (RFC 7672 §2.2).</summary>
    public sealed record DaneUnusable(DomainName Base, ImmutableArray<TlsaRecord> Published) : TransportPolicy
    {
        public override SecurityFloor Floor => SecurityFloor.Encrypted;

        public bool Equals(DaneUnusable? other) =>
            other is not null && Base == other.Base && Published.AsSpan().SequenceEqual(other.Published.AsSpan());

        public override int GetHashCode() => HashCode.Combine(Base, Published.Length);
    }

    /// <summary>MTA-STS (RFC 8461 §5): enforce refuses, testing only reports.</summary>
    public sealed record MtaSts(StsPolicy Policy, DateTimeOffset FetchedAt) : TransportPolicy
    {
        public override SecurityFloor Floor => Policy.Mode is StsMode.Enforce ? SecurityFloor.Authenticated : SecurityFloor.Plaintext;

        /// <summary>When it was fetched makes no difference to what it asks for.</summary>
        public bool Equals(MtaSts? other) => other is not null && Policy == other.Policy;

        public override int GetHashCode() => Policy.GetHashCode();
    }

    /// <summary>The sender asks for it, for this message: REQUIRETLS (RFC 8689 §4.2.1).</summary>
    /// <param name="OfferRequired">Whether the host must offer REQUIRETLS itself. False where an operator's rule lets an authenticated hop do.</param>
    /// <param name="RelaxedBy">That rule, by its configuration key.</param>
    public sealed record RequireTls(bool OfferRequired, string? RelaxedBy = null) : TransportPolicy
    {
        public override SecurityFloor Floor => SecurityFloor.Authenticated;
    }

    /// <summary>A policy of the recipient's side that the sender waived for this message by <c>TLS-Required: No</c> (RFC 8689 §4.2.2). It stays
    /// in the plan.</summary>
    public sealed record Waived(TransportPolicy Policy) : TransportPolicy
    {
        public override SecurityFloor Floor => SecurityFloor.Plaintext;
    }
}
