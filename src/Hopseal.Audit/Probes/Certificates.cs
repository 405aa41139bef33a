using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Hopseal.Audit.Facts;
using Hopseal.Policy;

namespace Hopseal.Audit.Probes;

/// <summary>What a certificate says of itself.</summary>
static class Certificates
{
    const string ServerAuthentication = "1.3.6.1.5.5.7.3.1";
    const string AnyUse = "2.5.29.37.0";

    static readonly ImmutableDictionary<string, string> s_hashes = new Dictionary<string, string>
    {
        ["1.2.840.113549.1.1.4"] = "MD5",
        ["1.2.840.113549.1.1.5"] = "SHA1",
        ["1.2.840.113549.1.1.14"] = "SHA224",
        ["1.2.840.113549.1.1.11"] = "SHA256",
        ["1.2.840.113549.1.1.12"] = "SHA384",
        ["1.2.840.113549.1.1.13"] = "SHA512",
        ["1.2.840.10045.4.1"] = "SHA1",
        ["1.2.840.10045.4.3.1"] = "SHA224",
        ["1.2.840.10045.4.3.2"] = "SHA256",
        ["1.2.840.10045.4.3.3"] = "SHA384",
        ["1.2.840.10045.4.3.4"] = "SHA512",
    }.ToImmutableDictionary();

    public static CertificateFacts Describe(X509Certificate2 certificate)
    {
        var (kind, bits, curve) = Key(certificate);
        return new CertificateFacts(
            ProbeTranscript.Clean(certificate.Subject),
            ProbeTranscript.Clean(certificate.Issuer),
            [.. CertificateNames.Presented(certificate).Take(100).Select(ProbeTranscript.Clean)],
            certificate.NotBefore.ToUniversalTime(),
            certificate.NotAfter.ToUniversalTime(),
            kind,
            bits,
            curve,
            certificate.SignatureAlgorithm.FriendlyName ?? certificate.SignatureAlgorithm.Value ?? "",
            s_hashes.GetValueOrDefault(certificate.SignatureAlgorithm.Value ?? ""),
            Convert.ToHexStringLower(SHA256.HashData(certificate.RawData)),
            Convert.ToHexStringLower(SHA256.HashData(certificate.PublicKey.ExportSubjectPublicKeyInfo())),
            ServesTls(certificate))
        {
            Signs = certificate.Extensions.OfType<X509KeyUsageExtension>().All(usage => usage.KeyUsages.HasFlag(X509KeyUsageFlags.DigitalSignature)),
        };
    }

    /// <summary>The number at IANA of the curve that a certificate's key is on; null for other keys, or where it cannot be read.</summary>
    public static int? CurveOf(ReadOnlyMemory<byte> der)
    {
        try
        {
            using var certificate = X509CertificateLoader.LoadCertificate(der.Span);
            return Key(certificate).Curve switch
            {
                "nistP224" => 0x0015,
                "nistP256" => 0x0017,
                "nistP384" => 0x0018,
                "nistP521" => 0x0019,
                "brainpoolP256r1" => 0x001A,
                "brainpoolP384r1" => 0x001B,
                "brainpoolP512r1" => 0x001C,
                _ => null,
            };
        }
        catch (CryptographicException)
        {
            return null;
        }
    }

    static (string Kind, int Bits, string? Curve) Key(X509Certificate2 certificate)
    {
        try
        {
            if (certificate.GetRSAPublicKey() is { } rsa)
            {
                using (rsa)
                {
                    return ("RSA", rsa.KeySize, null);
                }
            }

            if (certificate.GetECDsaPublicKey() is { } ecdsa)
            {
                using (ecdsa)
                {
                    return ("ECDSA", ecdsa.KeySize, CurveName(ecdsa.ExportParameters(false).Curve.Oid));
                }
            }
        }
        catch (CryptographicException)
        {
            // A key of a kind that the platform does not know: named by its algorithm, below.
        }

        var oid = certificate.PublicKey.Oid.Value ?? "";
        return (oid switch { "1.3.101.112" => "Ed25519", "1.3.101.113" => "Ed448", _ => oid }, 0, null);
    }

    /// <summary>The platforms have names of their own for the same curves.</summary>
    static string CurveName(Oid curve) => curve.Value switch
    {
        "1.3.132.0.33" => "nistP224",
        "1.2.840.10045.3.1.7" => "nistP256",
        "1.3.132.0.34" => "nistP384",
        "1.3.132.0.35" => "nistP521",
        "1.3.36.3.3.2.8.1.1.7" => "brainpoolP256r1",
        "1.3.36.3.3.2.8.1.1.11" => "brainpoolP384r1",
        "1.3.36.3.3.2.8.1.1.13" => "brainpoolP512r1",
        _ => curve.Value ?? curve.FriendlyName ?? "",
    };

    static bool ServesTls(X509Certificate2 certificate)
    {
        var uses = certificate.Extensions.OfType<X509EnhancedKeyUsageExtension>().FirstOrDefault();
        return uses is null || uses.EnhancedKeyUsages.Cast<Oid>().Any(use => use.Value is ServerAuthentication or AnyUse);
    }
}
