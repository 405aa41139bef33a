using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Hopseal.Dns;

namespace Hopseal.Policy.Dane;

/// <summary>A public key of ours, and what is published for it.</summary>
/// <param name="Encoded">Its SubjectPublicKeyInfo (RFC 5280 §4.1).</param>
public sealed record OwnKey(ReadOnlyMemory<byte> Encoded)
{
    /// <summary><c>3 1 1</c>: the SHA-256 of the public key, the form that RFC 7672 §3.1 recommends. It holds for every certificate on the key.</summary>
    public TlsaRecord Record => new(TlsaSet.DaneEe, TlsaSet.KeyOnly, TlsaSet.Sha256, [.. SHA256.HashData(Encoded.Span)]);

    public static OwnKey Of(X509Certificate2 certificate) => new(CertificateKey.Encoded(certificate));

    public static OwnKey Of(PublicKey key)
    {
        ArgumentNullException.ThrowIfNull(key);
        return new OwnKey(key.ExportSubjectPublicKeyInfo());
    }

    /// <summary>Whether any certificate on this key satisfies the record: usage 3, selector 1.</summary>
    public bool Satisfies(TlsaRecord record)
    {
        ArgumentNullException.ThrowIfNull(record);
        return record is { Usage: TlsaSet.DaneEe, Selector: TlsaSet.KeyOnly } && record.Data.AsSpan().SequenceEqual(record.MatchingType switch
        {
            TlsaSet.Full => Encoded.Span,
            TlsaSet.Sha256 => SHA256.HashData(Encoded.Span),
            TlsaSet.Sha512 => SHA512.HashData(Encoded.Span),
            _ => [],
        });
    }

    public bool Equals(OwnKey? other) => other is not null && Encoded.Span.SequenceEqual(other.Encoded.Span);

    public override int GetHashCode()
    {
        var hash = new HashCode();
        hash.AddBytes(Encoded.Span);
        return hash.ToHashCode();
    }
}
