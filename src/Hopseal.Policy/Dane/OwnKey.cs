using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Hopseal.Dns;

namespace Hopseal.Policy.Dane;

/// <summary>What to publish for a key of ours.</summary>
public static class OwnKey
{
    /// <summary><c>3 1 1</c>: the SHA-256 of the public key, the form that RFC 7672 §3.1 recommends; it holds for every certificate on the key.</summary>
    public static TlsaRecord Record(PublicKey key)
    {
        ArgumentNullException.ThrowIfNull(key);
        return new TlsaRecord(3, 1, 1, [.. SHA256.HashData(key.ExportSubjectPublicKeyInfo())]);
    }

    /// <summary>Whether a certificate on this key satisfies the record whatever else is in it: usage 3, selector 1.</summary>
    public static bool Satisfies(PublicKey key, TlsaRecord record)
    {
        ArgumentNullException.ThrowIfNull(key);
        ArgumentNullException.ThrowIfNull(record);
        var encoded = key.ExportSubjectPublicKeyInfo();
        return record is { Usage: 3, Selector: 1 } && record.Data.AsSpan().SequenceEqual(record.MatchingType switch
        {
            0 => encoded,
            1 => SHA256.HashData(encoded),
            2 => SHA512.HashData(encoded),
            _ => [],
        });
    }
}
