namespace Hopseal.Audit.Hello;

/// <summary>How both sides come to a common secret.</summary>
public enum KeyExchange
{
    /// <summary>TLS 1.3: the suite does not say.</summary>
    Any,
    Rsa,

    /// <summary>With the key in the certificate: no forward secrecy.</summary>
    StaticDh,
    Dhe,

    /// <summary>With the key in the certificate: no forward secrecy.</summary>
    StaticEcdh,
    Ecdhe,
}

/// <summary>What proves who the server is.</summary>
public enum SuiteAuthentication
{
    /// <summary>TLS 1.3: the suite does not say.</summary>
    Any,
    None,
    Rsa,
    Dss,
    Ecdsa,
}

/// <summary>A cipher suite.</summary>
/// <param name="Value">Its number at IANA.</param>
/// <param name="Name">Its name at IANA.</param>
/// <param name="OpenSslName">What OpenSSL calls it; null where it has no name for it.</param>
/// <param name="Encryption">For example <c>AES_256_GCM</c>; <c>NULL</c> for none.</param>
/// <param name="Mac">Its hash; that of an AEAD suite is for the key derivation. Empty where the name has none.</param>
/// <param name="Bits">Strength of the encryption: 0, or 40 to 256.</param>
public sealed record CipherSuite(
    int Value,
    string Name,
    string? OpenSslName,
    KeyExchange KeyExchange,
    SuiteAuthentication Authentication,
    string Encryption,
    string Mac,
    int Bits)
{
    public bool IsTls13 => KeyExchange is KeyExchange.Any;

    public bool IsAead => Encryption.EndsWith("GCM", StringComparison.Ordinal) || Encryption.Contains("CCM", StringComparison.Ordinal)
        || Encryption.StartsWith("CHACHA20", StringComparison.Ordinal);

    public bool HasForwardSecrecy => KeyExchange is KeyExchange.Any or KeyExchange.Dhe or KeyExchange.Ecdhe;

    /// <summary>Made weak by law, once.</summary>
    public bool IsExport => Name.Contains("_EXPORT", StringComparison.Ordinal);

    /// <summary>Defined with TLS 1.2 and for it only (RFC 5246 §1.2): AEAD, or a hash newer than SHA-1.</summary>
    public bool NeedsTls12 => !IsTls13 && (IsAead || Mac is "SHA256" or "SHA384");

    /// <summary>Reads the parts from a name of IANA.</summary>
    public static CipherSuite FromName(int value, string name, string? openSslName)
    {
        ArgumentNullException.ThrowIfNull(name);
        var (way, cipher) = name["TLS_".Length..].Split("_WITH_", 2) is [var before, var after] ? (before, after) : ("", name["TLS_".Length..]);
        var (encryption, mac) = SplitMac(cipher);
        var (exchange, authentication) = way.Length == 0 ? (KeyExchange.Any, SuiteAuthentication.Any) : (ExchangeOf(way), AuthenticationOf(way));

        // RFC 9150 §2: integrity only, under TLS 1.3.
        return way.Length == 0 && encryption is "SHA256" or "SHA384"
            ? new CipherSuite(value, name, openSslName, exchange, authentication, "NULL", mac, 0)
            : new CipherSuite(value, name, openSslName, exchange, authentication, encryption, mac, BitsOf(encryption));
    }

    static KeyExchange ExchangeOf(string way) => way.Split('_') switch
    {
        ["RSA", ..] => KeyExchange.Rsa,
        ["DHE", ..] => KeyExchange.Dhe,
        ["ECDHE", ..] => KeyExchange.Ecdhe,
        ["DH", "anon", ..] => KeyExchange.Dhe,
        ["ECDH", "anon", ..] => KeyExchange.Ecdhe,
        ["DH", ..] => KeyExchange.StaticDh,
        ["ECDH", ..] => KeyExchange.StaticEcdh,
        _ => throw new ArgumentException($"unknown key exchange {way}", nameof(way)),
    };

    static SuiteAuthentication AuthenticationOf(string way) => way.Split('_') switch
    {
        ["RSA", ..] or [_, "RSA", ..] => SuiteAuthentication.Rsa,
        [_, "DSS", ..] => SuiteAuthentication.Dss,
        [_, "ECDSA", ..] => SuiteAuthentication.Ecdsa,
        [_, "anon", ..] => SuiteAuthentication.None,
        _ => throw new ArgumentException($"unknown authentication {way}", nameof(way)),
    };

    static (string Encryption, string Mac) SplitMac(string cipher)
    {
        var text = cipher.EndsWith("_OLD", StringComparison.Ordinal) ? cipher[..^"_OLD".Length] : cipher;
        var last = text.LastIndexOf('_');
        return last > 0 && text[(last + 1)..] is "SHA" or "MD5" or "SHA256" or "SHA384" or "SM3" ? (text[..last], text[(last + 1)..]) : (text, "");
    }

    /// <summary>Triple DES is worth 112 of its bits (RFC 7457 §2.6 says why it is not even that).</summary>
    static int BitsOf(string encryption) => encryption switch
    {
        "NULL" => 0,
        "DES_CBC" or "RC2_56" or "RC4_56" => 56,
        "3DES_EDE_CBC" => 112,
        _ when encryption.EndsWith("40", StringComparison.Ordinal) || encryption.StartsWith("DES40", StringComparison.Ordinal) => 40,
        _ when encryption.Contains("256", StringComparison.Ordinal) || encryption.StartsWith("CHACHA20", StringComparison.Ordinal) => 256,
        _ => 128,
    };
}
