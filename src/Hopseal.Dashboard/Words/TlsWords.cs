using Hopseal.Smtp.Tls;

namespace Hopseal.Dashboard.Words;

/// <summary>What became of TLS, in a few words.</summary>
static class TlsWords
{
    public static (Tone Tone, string Words) Of(TlsOutcome? tls) => tls switch
    {
        null => (Tone.Plain, "ended before TLS"),
        TlsOutcome.Encrypted { Identity: PeerIdentity.Unauthenticated } => (Tone.Good, "encrypted"),
        TlsOutcome.Encrypted => (Tone.Good, "authenticated"),
        TlsOutcome.Plaintext => (Tone.Attention, "plaintext"),
        TlsOutcome.Refused => (Tone.Bad, "refused"),
        _ => throw new ArgumentException($"unknown outcome {tls}", nameof(tls)),
    };

    public static string Detail(TlsOutcome? tls) => tls switch
    {
        TlsOutcome.Encrypted encrypted => $"{encrypted.Version}, {encrypted.CipherSuite}",
        TlsOutcome.Refused { Failures: [var first, ..] } => $"{first.Type.ToWire()} ({first.ReasonCode})",
        _ => "",
    };

    public static string Of(SecurityFloor floor) => floor switch
    {
        SecurityFloor.Plaintext => "nothing is demanded",
        SecurityFloor.Encrypted => "encryption is demanded",
        SecurityFloor.Authenticated => "encryption and proof of identity are demanded",
    };
}
