using System.Collections.Immutable;

namespace Hopseal.Audit.Hello;

/// <summary>What a server made of a hello. A closed sum; each names what it looks like to a person.</summary>
public abstract record HelloAnswer
{
    HelloAnswer()
    {
    }

    /// <summary>It agrees.</summary>
    public sealed record Agreed(ServerFlight Flight) : HelloAnswer
    {
        public override string ToString() => Flight.ToString();
    }

    /// <summary>It agrees to SSL 2.0 (RFC 6176 forbids it).</summary>
    /// <param name="Kinds">How many ciphers it has.</param>
    public sealed record AgreedToSsl2(int Kinds) : HelloAnswer
    {
        public override string ToString() => $"SSL 2.0 with {Kinds} ciphers";
    }

    /// <summary>It says no, by an alert (RFC 8446 §6).</summary>
    public sealed record Refused(int Description) : HelloAnswer
    {
        public const int ProtocolVersion = 70;
        public const int InappropriateFallback = 86;

        public override string ToString() => $"alert {Alerts.NameOf(Description)}";
    }

    /// <summary>It hung up without a word.</summary>
    public sealed record Closed : HelloAnswer
    {
        public override string ToString() => "closed without an alert";
    }

    /// <summary>What came is no TLS, or not what the standard allows.</summary>
    public sealed record Unreadable(string Why) : HelloAnswer
    {
        public override string ToString() => $"unreadable: {Why}";
    }

    /// <summary>It said more than any server needs to say, or too slowly, or nothing, for as long as we waited.</summary>
    public sealed record Endless(string Why) : HelloAnswer
    {
        public override string ToString() => Why;
    }

    /// <summary>The hello was not sent: no connection, no STARTTLS, or none left to open.</summary>
    public sealed record NotAsked(string Why) : HelloAnswer
    {
        public override string ToString() => $"not asked: {Why}";
    }
}

/// <summary>What a server's first flight says. Nothing in it is verified: no key is known yet.</summary>
/// <param name="Version">The one it chose.</param>
/// <param name="Suite">The one it chose.</param>
/// <param name="Retry">It asks for another hello with a share for its group (RFC 8446 §4.1.4).</param>
/// <param name="Extensions">Types of those in its hello.</param>
public sealed record ServerFlight(WireVersion Version, int Suite, int Compression, bool Retry, ImmutableArray<int> Extensions)
{
    /// <summary>Of its key share or its key exchange; null where there was none, or an explicit curve.</summary>
    public int? Group { get; init; }

    /// <summary>Bits of the prime in its DHE key exchange (RFC 5246 §7.4.3).</summary>
    public int? DhBits { get; init; }

    /// <summary>How its key exchange is signed, in TLS 1.2.</summary>
    public int? Signature { get; init; }

    /// <summary>DER, the server's own first; in TLS 1.3 they are encrypted, and none are seen.</summary>
    public ImmutableArray<ReadOnlyMemory<byte>> Certificates { get; init; } = [];

    /// <summary>It sent the state of its certificate (RFC 6066 §8).</summary>
    public bool Stapled { get; init; }

    /// <summary>It gave the session a name, by which it could be resumed up to TLS 1.2 (RFC 5246 §7.4.1.3).</summary>
    public bool SessionNamed { get; init; }

    /// <summary>Why the flight ends behind its hello; null for a whole one.</summary>
    public string? Problem { get; init; }

    public bool Has(int extension) => Extensions.Contains(extension);

    public override string ToString()
    {
        var group = Group is { } value ? $", group {NamedGroups.NameOf(value)}" : DhBits is { } bits ? $", a prime of {bits} bits" : "";
        var signature = Signature is { } scheme ? $", signed {SignatureSchemes.NameOf(scheme)}" : "";
        var problem = Problem is null ? "" : $", then: {Problem}";
        return $"{WireVersions.NameOf(Version)} {CipherSuites.NameOf(Suite)}{group}{signature}{(Compression == 0 ? "" : $", compression {Compression}")}{problem}";
    }
}

/// <summary>Alerts by name (RFC 8446 §6, and those of older versions).</summary>
static class Alerts
{
    public static string NameOf(int description) => description switch
    {
        0 => "close_notify",
        10 => "unexpected_message",
        20 => "bad_record_mac",
        22 => "record_overflow",
        30 => "decompression_failure",
        40 => "handshake_failure",
        42 => "bad_certificate",
        47 => "illegal_parameter",
        49 => "access_denied",
        50 => "decode_error",
        51 => "decrypt_error",
        60 => "export_restriction",
        70 => "protocol_version",
        71 => "insufficient_security",
        80 => "internal_error",
        86 => "inappropriate_fallback",
        90 => "user_canceled",
        109 => "missing_extension",
        110 => "unsupported_extension",
        112 => "unrecognized_name",
        120 => "no_application_protocol",
        _ => $"{description}",
    };
}
