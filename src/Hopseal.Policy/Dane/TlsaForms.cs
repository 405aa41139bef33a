using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Hopseal.Dns;

namespace Hopseal.Policy.Dane;

/// <summary>One certificate in every form that a TLSA record can have of it (RFC 6698 §2.1.2, §2.1.3), each made when it is first asked
/// for.</summary>
sealed class TlsaForms(X509Certificate2 certificate)
{
    readonly byte[]?[,] _forms = new byte[2, 3][];

    public X509Certificate2 Certificate => certificate;

    /// <summary>What is best published for it (RFC 7671 §5.1).</summary>
    public TlsaRecord Recommended => new(
        TlsaSet.DaneEe, TlsaSet.KeyOnly, TlsaSet.Sha256, [.. Form(TlsaSet.KeyOnly, TlsaSet.Sha256)]);

    /// <summary>By selector, matching type and data, whatever the usage.</summary>
    /// <param name="record">A usable one.</param>
    /// <exception cref="CryptographicException">The certificate is malformed.</exception>
    public bool Match(TlsaRecord record) => record.Data.AsSpan().SequenceEqual(Form(record.Selector, record.MatchingType));

    byte[] Form(byte selector, byte matchingType)
    {
        if (_forms[selector, matchingType] is { } made)
        {
            return made;
        }

        var whole = selector == TlsaSet.WholeCertificate ? certificate.RawDataMemory : CertificateKey.Encoded(certificate);
        return _forms[selector, matchingType] = matchingType switch
        {
            TlsaSet.Sha256 => SHA256.HashData(whole.Span),
            TlsaSet.Sha512 => SHA512.HashData(whole.Span),
            _ => whole.ToArray(),
        };
    }
}
