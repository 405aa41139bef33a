using System.Collections.Immutable;

namespace Hopseal.Audit.Hello;

/// <summary>What is offered to a server, to find out about it.</summary>
static class HelloOffers
{
    /// <summary>Some servers do not take longer lists.</summary>
    public const int MostSuites = 64;

    /// <summary>Those that most servers have, the strong ones first, without primes. The first is no ChaCha20: some servers prefer that one for whoever
    /// does (OpenSSL's <c>SSL_OP_PRIORITIZE_CHACHA</c>), which would look like having no order.</summary>
    public static ImmutableArray<CipherSuite> StrongFirst { get; } =
    [
        .. CipherSuites.Tls12.Where(IsCommon)
            .OrderByDescending(suite => suite.HasForwardSecrecy)
            .ThenByDescending(suite => suite.IsAead)
            .ThenByDescending(suite => suite.Bits)
            .ThenByDescending(suite => suite.Encryption.EndsWith("GCM", StringComparison.Ordinal))
            .ThenByDescending(suite => suite.Mac, StringComparer.Ordinal)
    ];

    /// <summary>One of each weak kind. Those with a Diffie-Hellman prime come last: there are servers that choose one of these and then fail,
    /// since nobody gave them a prime (Dovecot 2.3).</summary>
    public static ImmutableArray<CipherSuite> Weak { get; } =
    [
        .. CipherSuites.Tls12
            .Where(suite => suite is { KeyExchange: KeyExchange.Rsa or KeyExchange.Dhe or KeyExchange.Ecdhe, Authentication: not SuiteAuthentication.Dss })
            .Where(suite => !IsStrong(suite) && !IsRare(suite))
            .GroupBy(suite => (suite.KeyExchange, suite.Authentication, suite.Encryption, suite.IsExport, suite.Mac == "MD5"))
            .Select(kind => kind.First())
            .OrderBy(suite => suite.KeyExchange is KeyExchange.Dhe)
            .ThenBy(RankOf)
            .ThenBy(suite => suite.Bits)
            .Take(MostSuites)
    ];

    /// <summary>The worst of these.</summary>
    public static ImmutableArray<CipherSuite> Broken { get; } = [.. Weak.Where(IsBroken)];

    /// <summary>Weak ones of every kind before strong ones: who takes one of the strong all the same has an order of its own.</summary>
    public static ImmutableArray<CipherSuite> WeakFirst { get; } =
    [
        .. Weak.Take(MostSuites - StrongFirst.Count(IsStrong)),
        .. StrongFirst.Where(IsStrong).Reverse(),
    ];

    /// <summary>For versions before 1.2.</summary>
    public static ImmutableArray<CipherSuite> Older { get; } =
        [.. StrongFirst.Concat(Weak).Where(suite => !suite.NeedsTls12).Distinct().Take(MostSuites)];

    /// <summary>All of them by how bad they are: a search goes round these, so that a look cut short has seen something of each. Those with
    /// a Diffie-Hellman prime are apart, since a server may fail with these and not with others.</summary>
    public static ImmutableArray<ImmutableArray<CipherSuite>> Classes(ImmutableArray<CipherSuite> suites) =>
    [
        .. suites.GroupBy(suite => (Rank: RankOf(suite), Prime: suite.KeyExchange is KeyExchange.Dhe)).OrderBy(group => group.Key)
            .Select(group => group.OrderBy(IsRare).ToImmutableArray()),
    ];

    /// <summary>Whether it is one that should not be accepted any more.</summary>
    public static bool IsWeak(CipherSuite suite) => !suite.IsTls13 && !IsStrong(suite);

    public static ClientHello Tls13(string? serverName, ImmutableArray<CipherSuite> suites, ImmutableArray<NamedGroup> groups) =>
        new(WireVersion.Tls13, Values(suites))
        {
            ServerName = serverName,
            Groups = [.. groups.Select(group => group.Value)],
            Signatures = [.. SignatureSchemes.All.Select(scheme => scheme.Value)],
        };

    /// <summary>For up to TLS 1.2.</summary>
    public static ClientHello Older12(string? serverName, WireVersion version, ImmutableArray<CipherSuite> suites) =>
        new(version, Values(suites))
        {
            ServerName = serverName,
            Groups = [.. NamedGroups.Curves12.Select(group => group.Value)],
            Signatures = [.. SignatureSchemes.All.Select(scheme => scheme.Value)],
        };

    static ImmutableArray<int> Values(ImmutableArray<CipherSuite> suites) => [.. suites.Select(suite => suite.Value)];

    static bool IsCommon(CipherSuite suite) => suite switch
    {
        { KeyExchange: KeyExchange.Ecdhe, Authentication: SuiteAuthentication.Rsa or SuiteAuthentication.Ecdsa }
            or { KeyExchange: KeyExchange.Rsa } => suite.Encryption is "AES_128_GCM" or "AES_256_GCM" or "AES_128_CBC" or "AES_256_CBC" or "CHACHA20_POLY1305"
                && !suite.Name.EndsWith("_OLD", StringComparison.Ordinal),
        _ => false,
    } || suite.Name == "TLS_RSA_WITH_3DES_EDE_CBC_SHA";

    /// <summary>Forward secrecy by a curve, and AEAD.</summary>
    static bool IsStrong(CipherSuite suite) =>
        suite is { KeyExchange: KeyExchange.Ecdhe, IsAead: true, Authentication: SuiteAuthentication.Rsa or SuiteAuthentication.Ecdsa } && !IsRare(suite);

    static int RankOf(CipherSuite suite) => IsBroken(suite) ? 0 : !suite.HasForwardSecrecy ? 1 : !IsStrong(suite) ? 2 : 3;

    /// <summary>Nobody authenticated, nothing encrypted, or a cipher that is broken or too small (RFC 9325 §4.1).</summary>
    public static bool IsBroken(CipherSuite suite) => suite is { Authentication: SuiteAuthentication.None } or { Bits: < 128 } or { Mac: "MD5" }
        || suite.IsExport || suite.Encryption.StartsWith("RC4", StringComparison.Ordinal) || suite.Encryption.StartsWith("RC2", StringComparison.Ordinal)
        || suite.Encryption is "IDEA_CBC" or "SEED_CBC";

    static bool IsRare(CipherSuite suite) => suite.Encryption.StartsWith("ARIA", StringComparison.Ordinal)
        || suite.Encryption.StartsWith("CAMELLIA", StringComparison.Ordinal) || suite.Encryption.Contains("CCM", StringComparison.Ordinal)
        || suite.Name.EndsWith("_OLD", StringComparison.Ordinal) || suite.Name.Contains("EXPORT1024", StringComparison.Ordinal);
}
