using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Hopseal.Policy;

/// <summary>Of what a pin is the fingerprint.</summary>
public enum PinnedPart
{
    /// <summary>The DER encoding of the whole certificate: another one, renewed or not, is not it.</summary>
    Certificate,

    /// <summary>The subject public key info (RFC 5280 §4.1.2.7): it outlives renewals that keep the key.</summary>
    PublicKey,
}

/// <summary>The SHA-256 fingerprint of a host's own certificate or key.</summary>
/// <param name="Sha256">64 hexadecimal digits in lower case.</param>
public sealed record CertificatePin(PinnedPart Part, string Sha256)
{
    public const string Forms = "sha256:HEX of the certificate or spki-sha256:HEX of its public key, HEX being 64 hexadecimal digits";

    const string OfCertificate = "sha256:";
    const string OfPublicKey = "spki-sha256:";
    const int Digits = 64;

    /// <summary>The digits in either case, with a colon behind each pair or without any.</summary>
    public static bool TryParse(string text, [NotNullWhen(true)] out CertificatePin? pin)
    {
        ArgumentNullException.ThrowIfNull(text);
        pin = null;
        var part = text.StartsWith(OfCertificate, StringComparison.OrdinalIgnoreCase) ? PinnedPart.Certificate : PinnedPart.PublicKey;
        var prefix = part is PinnedPart.Certificate ? OfCertificate : OfPublicKey;
        if (!text.StartsWith(prefix, StringComparison.OrdinalIgnoreCase) || DigitsOf(text[prefix.Length..]) is not { } digits)
        {
            return false;
        }

        pin = new CertificatePin(part, digits);
        return true;
    }

    /// <exception cref="CryptographicException">The key cannot be encoded.</exception>
    public bool Matches(X509Certificate2 certificate)
    {
        ArgumentNullException.ThrowIfNull(certificate);
        var octets = Part is PinnedPart.Certificate ? certificate.RawData : certificate.PublicKey.ExportSubjectPublicKeyInfo();
        return Convert.ToHexStringLower(SHA256.HashData(octets)) == Sha256;
    }

    /// <summary>As <see cref="TryParse"/> reads it.</summary>
    public override string ToString() => (Part is PinnedPart.Certificate ? OfCertificate : OfPublicKey) + Sha256;

    static string? DigitsOf(string text)
    {
        const int WithColons = Digits + (Digits / 2) - 1;
        if (text.Length == WithColons)
        {
            for (var i = 2; i < text.Length; i += 3)
            {
                if (text[i] != ':')
                {
                    return null;
                }
            }

            text = text.Replace(":", "", StringComparison.Ordinal);
        }

        return text.Length == Digits && text.All(char.IsAsciiHexDigit) ? text.ToLowerInvariant() : null;
    }
}
