namespace Hopseal.Audit.Hello;

/// <summary>A protocol version as it is on the wire (RFC 8446 §4.2.1, RFC 6101 §5.2.1).</summary>
public enum WireVersion
{
    Ssl30 = 0x0300,
    Tls10 = 0x0301,
    Tls11 = 0x0302,
    Tls12 = 0x0303,
    Tls13 = 0x0304,
}

/// <summary>Versions by name.</summary>
public static class WireVersions
{
    /// <summary>As facts and profiles write it: <c>TLS 1.3</c>. A version that nobody knows is in hexadecimal.</summary>
    public static string NameOf(WireVersion version) => version switch
    {
        WireVersion.Ssl30 => "SSL 3.0",
        WireVersion.Tls10 => "TLS 1.0",
        WireVersion.Tls11 => "TLS 1.1",
        WireVersion.Tls12 => "TLS 1.2",
        WireVersion.Tls13 => "TLS 1.3",
        _ => $"0x{(int)version:X4}",
    };
}
