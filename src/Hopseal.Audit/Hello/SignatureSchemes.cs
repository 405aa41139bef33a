using System.Collections.Immutable;
using System.Globalization;

namespace Hopseal.Audit.Hello;

/// <summary>How something is signed: a scheme of TLS 1.3, or a hash and an algorithm of TLS 1.2, which share their numbers.</summary>
/// <param name="Value">Its number at IANA.</param>
/// <param name="Hash"><c>SHA256</c> and so on; <c>MD5</c> and <c>SHA1</c> are broken.</param>
public sealed record SignatureScheme(int Value, string Name, string Hash);

/// <summary>The schemes that are offered (RFC 8446 §4.2.3, RFC 5246 §7.4.1.4.1), the strong ones first.</summary>
public static class SignatureSchemes
{
    public static ImmutableArray<SignatureScheme> All { get; } =
    [
        new(0x0403, "ecdsa_secp256r1_sha256", "SHA256"),
        new(0x0503, "ecdsa_secp384r1_sha384", "SHA384"),
        new(0x0603, "ecdsa_secp521r1_sha512", "SHA512"),
        new(0x0807, "ed25519", "SHA512"),
        new(0x0808, "ed448", "SHAKE256"),
        new(0x081A, "ecdsa_brainpoolP256r1tls13_sha256", "SHA256"),
        new(0x081B, "ecdsa_brainpoolP384r1tls13_sha384", "SHA384"),
        new(0x081C, "ecdsa_brainpoolP512r1tls13_sha512", "SHA512"),
        new(0x0804, "rsa_pss_rsae_sha256", "SHA256"),
        new(0x0805, "rsa_pss_rsae_sha384", "SHA384"),
        new(0x0806, "rsa_pss_rsae_sha512", "SHA512"),
        new(0x0809, "rsa_pss_pss_sha256", "SHA256"),
        new(0x080A, "rsa_pss_pss_sha384", "SHA384"),
        new(0x080B, "rsa_pss_pss_sha512", "SHA512"),
        new(0x0401, "rsa_pkcs1_sha256", "SHA256"),
        new(0x0501, "rsa_pkcs1_sha384", "SHA384"),
        new(0x0601, "rsa_pkcs1_sha512", "SHA512"),
        new(0x0904, "mldsa44", "SHAKE256"),
        new(0x0905, "mldsa65", "SHAKE256"),
        new(0x0906, "mldsa87", "SHAKE256"),
        new(0x0402, "dsa_sha256", "SHA256"),
        new(0x0303, "ecdsa_sha224", "SHA224"),
        new(0x0301, "rsa_pkcs1_sha224", "SHA224"),
        new(0x0302, "dsa_sha224", "SHA224"),
        new(0x0203, "ecdsa_sha1", "SHA1"),
        new(0x0201, "rsa_pkcs1_sha1", "SHA1"),
        new(0x0202, "dsa_sha1", "SHA1"),
    ];

    public static ImmutableArray<SignatureScheme> Sha1 { get; } = [.. All.Where(scheme => scheme.Hash == "SHA1")];

    public static string NameOf(int value) =>
        All.FirstOrDefault(scheme => scheme.Value == value)?.Name ?? $"0x{value.ToString("X4", CultureInfo.InvariantCulture)}";

    /// <summary>Null for a scheme that nobody offered.</summary>
    public static string? HashOf(int value) => All.FirstOrDefault(scheme => scheme.Value == value)?.Hash;
}
