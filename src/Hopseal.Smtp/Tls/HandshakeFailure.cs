using System.Net.Sockets;
using System.Security.Authentication;

namespace Hopseal.Smtp.Tls;

/// <summary>Which side of a handshake we are.</summary>
public enum HandshakeRole
{
    Client,
    Server,
}

/// <summary>Says what went wrong in a handshake, from the type of the exception and the OpenSSL error code in its HResult.
/// Messages are never looked at: they change with the runtime and its language.</summary>
public static class HandshakeFailure
{
    // An OpenSSL error code packs the library into bits 23 to 30 and the reason into the 23 bits below. The library is 20
    // for everything about TLS; a received alert n is reason 1000 + n. The runtime's own codes are negative.
    const int TlsLibrary = 20;
    const int LibraryShift = 23;
    const int ReasonMask = 0x7FFFFF;
    const int AlertBase = 1000;
    const int LastAlert = 255;

    /// <summary>The deadline passed before the handshake ended.</summary>
    public static TlsFailure TimedOut { get; } = new(TlsResultType.ValidationFailure, "timed-out", "the handshake took too long");

    /// <summary>Total: an exception that nobody foresaw is <c>handshake-failed</c>.</summary>
    public static TlsFailure Classify(Exception error, HandshakeRole role)
    {
        ArgumentNullException.ThrowIfNull(error);
        for (var cause = error; cause is not null; cause = cause.InnerException)
        {
            if (TryReason(cause, out var reason))
            {
                return OfReason(reason, role);
            }

            if (cause is SocketException socket)
            {
                return OfSocket(socket);
            }
        }

        return error switch
        {
            OperationCanceledException => TimedOut,
            // Without an inner exception there is one cause: what came is no TLS record.
            AuthenticationException { InnerException: null } => Failure("peer-spoke-plaintext", "the peer did not answer in TLS"),
            IOException { InnerException: null } or ObjectDisposedException =>
                Failure("connection-closed", "the connection was closed during the handshake"),
            _ => Failure("handshake-failed", Names(error)),
        };
    }

    /// <summary>A TLS 1.3 server may refuse the client after the client's side of the handshake is done (RFC 8446 §4.4.2.4):
    /// the alert then arrives with the first read. Null when <paramref name="error"/> carries no alert.</summary>
    public static TlsFailure? LateAlert(Exception error, HandshakeRole role)
    {
        for (var cause = error; cause is not null; cause = cause.InnerException)
        {
            if (TryReason(cause, out var reason) && IsAlert(reason))
            {
                return OfReason(reason, role);
            }
        }

        return null;
    }

    static bool TryReason(Exception cause, out int reason)
    {
        reason = cause.HResult & ReasonMask;
        return cause.HResult > 0 && cause.HResult >> LibraryShift == TlsLibrary;
    }

    static bool IsAlert(int reason) => reason is >= AlertBase and <= AlertBase + LastAlert;

    static TlsFailure OfReason(int reason, HandshakeRole role)
    {
        if (IsAlert(reason))
        {
            return OfAlert(reason - AlertBase, role);
        }

        var (code, detail) = reason switch
        {
            0x102 or 0x10A => ("unsupported-protocol", "no common TLS version"),
            0x10B => ("wrong-version", "the peer sent a record of another TLS version, or no TLS"),
            0xC1 => ("no-shared-cipher", "no common cipher suite"),
            0xB5 => ("no-ciphers-available", "no cipher suite is left for the allowed TLS versions"),
            0x65 => ("no-shared-group", "no common key exchange group"),
            0x76 or 0x14D or 0x178 => ("no-shared-signature-algorithm", "no common signature algorithm"),
            0x18A or 0x18C or 0x18D or 0x18E or 0x18F => ("weak-key", "a key or signature is weaker than the local security level allows"),
            0xF4 => ("unexpected-message", "a handshake message came out of order"),
            0x7B => ("bad-signature", "the peer's handshake signature is wrong"),
            0x95 => ("bad-digest", "the peer's Finished message is wrong"),
            0x119 => ("bad-record", "a record could not be decrypted"),
            0x9F or 0xA0 => ("malformed-handshake", "a handshake message has a wrong length"),
            0x126 => ("connection-closed", "the connection was closed during the handshake"),
            _ => ($"tls-error-{reason}", $"OpenSSL reason {reason}"),
        };
        return Failure(code, detail);
    }

    static TlsFailure OfAlert(int alert, HandshakeRole role)
    {
        var name = AlertName(alert);
        // A client that refuses our certificate says why; a server that sends the same alert means a client certificate.
        var type = (role, alert) switch
        {
            (HandshakeRole.Server, 45) => TlsResultType.CertificateExpired,
            (HandshakeRole.Server, 42 or 43 or 44 or 46 or 48) => TlsResultType.CertificateNotTrusted,
            _ => TlsResultType.ValidationFailure,
        };
        return new TlsFailure(type, $"alert-received-{alert}-{name}", $"the peer ended the handshake with alert {alert} ({name})");
    }

    /// <summary>RFC 8446 §6, RFC 5246 §7.2 and the IANA registry, underscores as hyphens.</summary>
    static string AlertName(int alert) => alert switch
    {
        0 => "close-notify",
        10 => "unexpected-message",
        20 => "bad-record-mac",
        21 => "decryption-failed",
        22 => "record-overflow",
        30 => "decompression-failure",
        40 => "handshake-failure",
        41 => "no-certificate",
        42 => "bad-certificate",
        43 => "unsupported-certificate",
        44 => "certificate-revoked",
        45 => "certificate-expired",
        46 => "certificate-unknown",
        47 => "illegal-parameter",
        48 => "unknown-ca",
        49 => "access-denied",
        50 => "decode-error",
        51 => "decrypt-error",
        60 => "export-restriction",
        70 => "protocol-version",
        71 => "insufficient-security",
        80 => "internal-error",
        86 => "inappropriate-fallback",
        90 => "user-canceled",
        100 => "no-renegotiation",
        109 => "missing-extension",
        110 => "unsupported-extension",
        111 => "certificate-unobtainable",
        112 => "unrecognized-name",
        113 => "bad-certificate-status-response",
        114 => "bad-certificate-hash-value",
        115 => "unknown-psk-identity",
        116 => "certificate-required",
        120 => "no-application-protocol",
        _ => "unassigned",
    };

    static TlsFailure OfSocket(SocketException error) => error.SocketErrorCode switch
    {
        SocketError.ConnectionReset or SocketError.ConnectionAborted or SocketError.Shutdown =>
            Failure("connection-reset", "the peer reset the connection during the handshake"),
        SocketError.TimedOut => Failure("timed-out", "the connection timed out during the handshake"),
        var code => Failure("connection-lost", code.ToString()),
    };

    static string Names(Exception? error)
    {
        var names = new List<string>();
        for (; error is not null; error = error.InnerException)
        {
            names.Add($"{error.GetType().Name} 0x{error.HResult:X8}");
        }

        return string.Join(" < ", names);
    }

    static TlsFailure Failure(string reasonCode, string detail) => new(TlsResultType.ValidationFailure, reasonCode, detail);
}
