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
}
