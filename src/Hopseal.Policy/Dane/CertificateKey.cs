using System.Formats.Asn1;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Hopseal.Policy.Dane;

/// <summary>The SubjectPublicKeyInfo of a certificate as it is encoded there (RFC 5280 §4.1): what selector 1 means. Decoding the key and
/// encoding it again would fail for algorithms that the platform does not know.</summary>
static class CertificateKey
{
    static readonly Asn1Tag s_version = new(TagClass.ContextSpecific, 0, isConstructed: true);

    /// <exception cref="CryptographicException">It cannot be found.</exception>
    public static ReadOnlyMemory<byte> Encoded(X509Certificate2 certificate)
    {
        try
        {
            var fields = new AsnReader(certificate.RawDataMemory, AsnEncodingRules.BER).ReadSequence().ReadSequence();
            if (fields.PeekTag().HasSameClassAndValue(s_version))
            {
                fields.ReadEncodedValue();
            }

            // Serial number, signature algorithm, issuer, validity, subject.
            for (var i = 0; i < 5; i++)
            {
                fields.ReadEncodedValue();
            }

            return fields.ReadEncodedValue();
        }
        catch (AsnContentException e)
        {
            throw new CryptographicException("the certificate is not encoded as one", e);
        }
    }
}
