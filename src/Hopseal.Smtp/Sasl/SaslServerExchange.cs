using System.Text;
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

    private protected const int MaxUserOctets = 255;
    private protected const int MaxPasswordOctets = 1024;

    static readonly UTF8Encoding s_strictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    private protected SaslServerExchange(ICredentials credentials) => Credentials = credentials;

    private protected ICredentials Credentials { get; }

    /// <summary>Null for a mechanism that is not offered; <paramref name="mechanism"/> in upper case.</summary>
    public static SaslServerExchange? Start(string mechanism, ICredentials credentials) => mechanism switch
    {
        "SCRAM-SHA-256" => new ScramServerExchange(credentials),
        "PLAIN" => new PlainServerExchange(credentials),
        "LOGIN" => new LoginServerExchange(credentials),
        _ => null,
    };

    /// <summary>Takes the client's next message; null when AUTH came without an initial response. Slow by intention where a
    /// password is checked; the work is bounded over all sessions.</summary>
    public abstract ValueTask<SaslStep> NextAsync(ReadOnlyMemory<byte>? response, CancellationToken cancel);

    private protected async ValueTask<SaslStep> CheckAsync(string user, string password, CancellationToken cancel)
    {
        var known = Credentials.Find(user);
        var right = await (known ?? PasswordHash.Decoy(user)).VerifyAsync(password, cancel);
        return right && known is not null ? new SaslStep.Succeeded(user) : new SaslStep.Failed(Malformed: false);
    }

    /// <summary>Strict UTF-8 without NUL, 1 to <paramref name="maxOctets"/> octets; null for anything else.</summary>
    private protected static string? Text(ReadOnlySpan<byte> octets, int maxOctets)
    {
        if (octets.IsEmpty || octets.Length > maxOctets || octets.Contains((byte)0))
        {
            return null;
        }

        try
        {
            return s_strictUtf8.GetString(octets);
        }
        catch (DecoderFallbackException)
        {
            return null;
        }
    }
}
