using System.Collections.Immutable;
using System.Formats.Asn1;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Hopseal.Dns;

namespace Hopseal.Policy.Dane;

/// <summary>What of a set of TLSA records an SMTP client goes by.</summary>
public static class TlsaSet
{
    public const byte DaneTa = 2;
    public const byte DaneEe = 3;

    public const byte WholeCertificate = 0;
    public const byte KeyOnly = 1;

    public const byte Full = 0;
    public const byte Sha256 = 1;
    public const byte Sha512 = 2;

    /// <summary>Of each kind; what is more is not looked at. Even several certificates, each with its successor, need a dozen; and one of
    /// them has to match, so that leaving some out never lets anybody in.</summary>
    public const int MostRecords = 64;

    /// <summary>Each once, in an order that does not depend on the answer's: servers rotate it, and the same set is to be the same
    /// policy.</summary>
    public static ImmutableArray<TlsaRecord> InOrder(IEnumerable<TlsaRecord> records) =>
    [
        .. records.Distinct()
            .OrderByDescending(record => record.Usage)
            .ThenByDescending(record => record.Selector)
            .ThenByDescending(record => record.MatchingType)
            .ThenBy(record => Convert.ToHexString(record.Data.AsSpan()), StringComparer.Ordinal)
            .Take(MostRecords)
    ];

    /// <summary>Those of usage DANE-TA and DANE-EE whose parameters are known and whose data fits them (RFC 7672 §3.1, RFC 7671 §4).
    /// Which authorities usages PKIX-TA and PKIX-EE mean, no two mail systems agree on (RFC 7672 §3.1.3).</summary>
    public static ImmutableArray<TlsaRecord> Usable(IEnumerable<TlsaRecord> records) => InOrder(records.Where(IsUsable));

    /// <summary>Of several digests for the same usage and selector only the strongest counts, so that a broken one stops mattering where
    /// another is published beside it; full data always counts (RFC 7671 §9).</summary>
    /// <param name="usable">See <see cref="Usable"/>.</param>
    public static ImmutableArray<TlsaRecord> WithStrongestDigests(ImmutableArray<TlsaRecord> usable) =>
        usable.RemoveAll(record => record.MatchingType == Sha256
            && usable.Any(other => other.MatchingType == Sha512 && (other.Usage, other.Selector) == (record.Usage, record.Selector)));

    static bool IsUsable(TlsaRecord record) =>
        record.Usage is DaneTa or DaneEe
        && (record.Selector, record.MatchingType) switch
        {
            (WholeCertificate or KeyOnly, Sha256) => record.Data.Length == SHA256.HashSizeInBytes,
            (WholeCertificate or KeyOnly, Sha512) => record.Data.Length == SHA512.HashSizeInBytes,
            (WholeCertificate, Full) => IsCertificate(record.Data.AsSpan()),
            (KeyOnly, Full) => IsPublicKey(record.Data.AsSpan()),
            _ => false,
        };

    static bool IsCertificate(ReadOnlySpan<byte> data)
    {
        // The loader takes PEM and trailing octets, too.
        if (!IsOneSequence(data))
        {
            return false;
        }

        try
        {
            using var certificate = X509CertificateLoader.LoadCertificate(data);
            return CertificateKey.Encoded(certificate).Length > 0;
        }
        catch (CryptographicException)
        {
            return false;
        }
    }

    static bool IsPublicKey(ReadOnlySpan<byte> data)
    {
        try
        {
            _ = PublicKey.CreateFromSubjectPublicKeyInfo(data, out var read);
            return read == data.Length;
        }
        catch (CryptographicException)
        {
            return false;
        }
    }

    static bool IsOneSequence(ReadOnlySpan<byte> data) =>
        AsnDecoder.TryReadEncodedValue(data, AsnEncodingRules.DER, out var tag, out _, out _, out var consumed)
        && tag.HasSameClassAndValue(Asn1Tag.Sequence)
        && consumed == data.Length;
}
