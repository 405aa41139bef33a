using Hopseal.Smtp.Server;

namespace Hopseal.Smtp.Sasl;

/// <summary>What the server does next in a SASL exchange (RFC 4422 §3).</summary>
public abstract record SaslStep
{
    SaslStep()
    {
    }

    /// <summary>Send these octets (base64 after 334) and pass on what comes back.</summary>
    public sealed record Challenge(ReadOnlyMemory<byte> Octets) : SaslStep;

    public sealed record Succeeded(string User) : SaslStep;

    /// <summary>535 for bad credentials; <paramref name="Malformed"/> for a message that is none: 501.</summary>
    public sealed record Failed(bool Malformed) : SaslStep;
}

/// <summary>The server's side of one AUTH command (RFC 4954 §4).</summary>
public abstract class SaslServerExchange
{
    /// <summary>As offered in EHLO, strongest first.</summary>
    public const string Mechanisms = "SCRAM-SHA-256 PLAIN LOGIN";

    /// <summary>Null for a mechanism that is not offered; <paramref name="mechanism"/> in upper case.</summary>
    public static SaslServerExchange? Start(string mechanism, ICredentials credentials) => throw new NotImplementedException();

    /// <summary>Takes the client's next message; null when AUTH came without an initial response. Slow by intention where a
    /// password is checked; the work is bounded over all sessions.</summary>
    public abstract ValueTask<SaslStep> NextAsync(ReadOnlyMemory<byte>? response, CancellationToken cancel);
}
