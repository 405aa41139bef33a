namespace Hopseal.Audit.Hello;

/// <summary>RFC 8446 §5.1.</summary>
static class ContentTypes
{
    public const int ChangeCipherSpec = 20;
    public const int Alert = 21;
    public const int Handshake = 22;
    public const int ApplicationData = 23;
}

/// <summary>RFC 8446 §4, RFC 5246 §7.4.</summary>
static class HandshakeTypes
{
    public const int HelloRequest = 0;
    public const int ClientHello = 1;
    public const int ServerHello = 2;
    public const int NewSessionTicket = 4;
    public const int Certificate = 11;
    public const int ServerKeyExchange = 12;
    public const int CertificateRequest = 13;
    public const int ServerHelloDone = 14;
    public const int CertificateStatus = 22;
}

/// <summary>Of IANA's registry.</summary>
static class ExtensionTypes
{
    public const int ServerName = 0;
    public const int SupportedGroups = 10;
    public const int PointFormats = 11;
    public const int SignatureAlgorithms = 13;
    public const int Padding = 21;
    public const int ExtendedMasterSecret = 23;
    public const int SessionTicket = 35;
    public const int SupportedVersions = 43;
    public const int KeyShare = 51;
    public const int RenegotiationInfo = 0xFF01;
}

/// <summary>Suites that are none: they say something.</summary>
static class SignalSuites
{
    /// <summary>RFC 5746 §3.3.</summary>
    public const int SecureRenegotiation = 0x00FF;

    /// <summary>RFC 7507 §2.</summary>
    public const int Fallback = 0x5600;
}
