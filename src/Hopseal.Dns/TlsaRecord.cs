using System.Collections.Immutable;

namespace Hopseal.Dns;

/// <summary>A TLSA record as published (RFC 6698 §2.1), unjudged: which of them can be used is for whoever verifies with them.</summary>
/// <param name="Usage">0 PKIX-TA, 1 PKIX-EE, 2 DANE-TA, 3 DANE-EE (RFC 7218 §2.1); others are unassigned.</param>
/// <param name="Selector">0 the certificate, 1 its SubjectPublicKeyInfo.</param>
/// <param name="MatchingType">0 the whole, 1 its SHA-256, 2 its SHA-512.</param>
public sealed record TlsaRecord(byte Usage, byte Selector, byte MatchingType, ImmutableArray<byte> Data)
{
    /// <summary>In the presentation format (RFC 6698 §2.2), for example <c>3 1 1 0ab1…</c> with all of the data.</summary>
    public override string ToString() => $"{Usage} {Selector} {MatchingType} {Convert.ToHexStringLower(Data.AsSpan())}";

    /// <summary>The same data is the same record.</summary>
    public bool Equals(TlsaRecord? other) =>
        other is not null
        && (Usage, Selector, MatchingType) == (other.Usage, other.Selector, other.MatchingType)
        && Data.AsSpan().SequenceEqual(other.Data.AsSpan());

    public override int GetHashCode()
    {
        var hash = new HashCode();
        hash.Add(Usage);
        hash.Add(Selector);
        hash.Add(MatchingType);
        hash.AddBytes(Data.AsSpan());
        return hash.ToHashCode();
    }
}
