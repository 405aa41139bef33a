using System.Collections.Frozen;
using System.Collections.Immutable;
using System.Globalization;

namespace Hopseal.Audit.Hello;

public enum GroupKind
{
    Curve,

    /// <summary>RFC 7919.</summary>
    FiniteField,

    /// <summary>A curve and a post-quantum KEM together (draft-ietf-tls-ecdhe-mlkem).</summary>
    Hybrid,

    /// <summary>A post-quantum KEM alone (draft-ietf-tls-mlkem).</summary>
    Kem,

    /// <summary>A hybrid with the draft of Kyber, before it became ML-KEM.</summary>
    DraftHybrid,
}

/// <summary>A group for the key exchange.</summary>
/// <param name="Value">Its number at IANA.</param>
/// <param name="Name">Its name at IANA.</param>
/// <param name="InTls13">Whether TLS 1.3 has it (RFC 8446 §4.2.7).</param>
/// <param name="InTls12">Whether a server up to TLS 1.2 can have it.</param>
public sealed record NamedGroup(int Value, string Name, GroupKind Kind, bool InTls13, bool InTls12);

/// <summary>The groups that are asked for, and their names.</summary>
public static class NamedGroups
{
    public static ImmutableArray<NamedGroup> All { get; } =
    [
        .. Curves(1, "sect163k1", "sect163r1", "sect163r2", "sect193r1", "sect193r2", "sect233k1", "sect233r1", "sect239k1", "sect283k1"),
        .. Curves(10, "sect283r1", "sect409k1", "sect409r1", "sect571k1", "sect571r1", "secp160k1", "secp160r1", "secp160r2", "secp192k1"),
        .. Curves(19, "secp192r1", "secp224k1", "secp224r1", "secp256k1"),
        new(0x0017, "secp256r1", GroupKind.Curve, true, true),
        new(0x0018, "secp384r1", GroupKind.Curve, true, true),
        new(0x0019, "secp521r1", GroupKind.Curve, true, true),
        .. Curves(0x1A, "brainpoolP256r1", "brainpoolP384r1", "brainpoolP512r1"),
        new(0x001D, "x25519", GroupKind.Curve, true, true),
        new(0x001E, "x448", GroupKind.Curve, true, true),
        new(0x001F, "brainpoolP256r1tls13", GroupKind.Curve, true, false),
        new(0x0020, "brainpoolP384r1tls13", GroupKind.Curve, true, false),
        new(0x0021, "brainpoolP512r1tls13", GroupKind.Curve, true, false),
        new(0x0029, "curveSM2", GroupKind.Curve, true, false),
        new(0x0100, "ffdhe2048", GroupKind.FiniteField, true, true),
        new(0x0101, "ffdhe3072", GroupKind.FiniteField, true, true),
        new(0x0102, "ffdhe4096", GroupKind.FiniteField, true, true),
        new(0x0103, "ffdhe6144", GroupKind.FiniteField, true, true),
        new(0x0104, "ffdhe8192", GroupKind.FiniteField, true, true),
        new(0x0200, "MLKEM512", GroupKind.Kem, true, false),
        new(0x0201, "MLKEM768", GroupKind.Kem, true, false),
        new(0x0202, "MLKEM1024", GroupKind.Kem, true, false),
        new(0x11EB, "SecP256r1MLKEM768", GroupKind.Hybrid, true, false),
        new(0x11EC, "X25519MLKEM768", GroupKind.Hybrid, true, false),
        new(0x11ED, "SecP384r1MLKEM1024", GroupKind.Hybrid, true, false),
        new(0x6399, "X25519Kyber768Draft00", GroupKind.DraftHybrid, true, false),
        new(0x639A, "SecP256r1Kyber768Draft00", GroupKind.DraftHybrid, true, false),
    ];

    static readonly FrozenDictionary<int, NamedGroup> s_byValue = All.ToFrozenDictionary(group => group.Value);

    /// <summary>For TLS 1.3, those that a quantum computer breaks first: a server that asks for a later one prefers it.</summary>
    public static ImmutableArray<NamedGroup> Tls13 { get; } =
        [.. All.Where(group => group.InTls13 && !IsPostQuantum(group)), .. All.Where(group => group.InTls13 && IsPostQuantum(group))];

    public static ImmutableArray<NamedGroup> PostQuantum { get; } = [.. All.Where(IsPostQuantum)];

    /// <summary>For up to TLS 1.2, those first that a server most likely has. No finite fields: a server that knows RFC 7919 would take them
    /// instead of its own prime, which is to be seen.</summary>
    public static ImmutableArray<NamedGroup> Curves12 { get; } =
        [.. All.Where(group => group is { InTls12: true, Kind: GroupKind.Curve }).OrderByDescending(group => group.InTls13)];

    public static NamedGroup? Find(int value) => s_byValue.GetValueOrDefault(value);

    /// <summary>The name at IANA; of an unknown one its number.</summary>
    public static string NameOf(int value) => Find(value)?.Name ?? $"0x{value.ToString("X4", CultureInfo.InvariantCulture)}";

    /// <summary>Whether what is exchanged stays secret from quantum computers.</summary>
    public static bool IsPostQuantum(NamedGroup group)
    {
        ArgumentNullException.ThrowIfNull(group);
        return group.Kind is GroupKind.Hybrid or GroupKind.Kem or GroupKind.DraftHybrid;
    }

    static IEnumerable<NamedGroup> Curves(int first, params string[] names) =>
        names.Select((name, index) => new NamedGroup(first + index, name, GroupKind.Curve, InTls13: false, InTls12: true));
}
