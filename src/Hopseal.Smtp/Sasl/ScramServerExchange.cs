using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using Hopseal.Smtp.Server;

namespace Hopseal.Smtp.Sasl;

/// <summary>SCRAM-SHA-256 (RFC 5802 §5, RFC 7677) without channel binding: the password never crosses the wire, and the client
/// learns that the server knows it too.</summary>
sealed class ScramServerExchange(ICredentials credentials) : SaslServerExchange(credentials)
{
    const int MaxMessageOctets = 2048;
    const int NonceOctets = 18;

    static readonly SaslStep s_malformed = new SaslStep.Failed(Malformed: true);
    static readonly SaslStep s_refused = new SaslStep.Failed(Malformed: false);

    State _state = State.ClientFirst;
    string _user = "";
    string _channelBinding = "";
    string _nonce = "";
    string _transcript = "";
    PasswordHash? _hash;
    bool _known;

    enum State
    {
        ClientFirst,
        ClientFinal,
        Acknowledged,
    }

    public override ValueTask<SaslStep> NextAsync(ReadOnlyMemory<byte>? response, CancellationToken cancel)
    {
        if (response is not { } message)
        {
            return ValueTask.FromResult<SaslStep>(new SaslStep.Challenge(default));
        }

        var step = _state switch
        {
            State.ClientFirst => Text(message.Span, MaxMessageOctets) is { } text ? First(text) : s_malformed,
            State.ClientFinal => Text(message.Span, MaxMessageOctets) is { } text ? Final(text) : s_malformed,

            // The server's signature went out as a challenge; the client answers with nothing (RFC 4954 §4).
            State.Acknowledged => message.IsEmpty ? new SaslStep.Succeeded(_user) : s_malformed,
        };
        return ValueTask.FromResult(step);
    }

    /// <summary><c>gs2-header client-first-message-bare</c>, for example <c>n,,n=user,r=nonce</c>.</summary>
    SaslStep First(string message)
    {
        // "p=" would bind to a channel, which the mechanism without -PLUS has not; "y" and "n" do not.
        var flagEnd = message.IndexOf(',', StringComparison.Ordinal);
        if (flagEnd != 1 || message[0] is not ('n' or 'y'))
        {
            return s_malformed;
        }

        var headerEnd = message.IndexOf(',', flagEnd + 1);
        if (headerEnd < 0)
        {
            return s_malformed;
        }

        var authorization = message[(flagEnd + 1)..headerEnd];
        var bare = message[(headerEnd + 1)..];
        var fields = bare.Split(',');
        if (fields.Length < 2 || !fields[0].StartsWith("n=", StringComparison.Ordinal)
            || !fields[1].StartsWith("r=", StringComparison.Ordinal) || fields[1].Length < 2 + 8
            || Decode(fields[0][2..]) is not { Length: > 0 } user
            || (authorization.Length > 0 && authorization != "a=" + fields[0][2..]))
        {
            return s_malformed;
        }

        var known = Credentials.Find(user);
        _known = known is not null;
        _hash = known ?? PasswordHash.Decoy(user);
        _user = user;
        _channelBinding = Convert.ToBase64String(Encoding.UTF8.GetBytes(message[..(headerEnd + 1)]));
        _nonce = fields[1][2..] + Convert.ToBase64String(RandomNumberGenerator.GetBytes(NonceOctets));
        var serverFirst = $"r={_nonce},s={Convert.ToBase64String(_hash.Salt.Span)},i={_hash.Iterations}";
        _transcript = $"{bare},{serverFirst}";
        _state = State.ClientFinal;
        return new SaslStep.Challenge(Encoding.UTF8.GetBytes(serverFirst));
    }

    /// <summary><c>c=channel-binding,r=nonce,p=proof</c>.</summary>
    SaslStep Final(string message)
    {
        var proofAt = message.LastIndexOf(",p=", StringComparison.Ordinal);
        if (proofAt < 0)
        {
            return s_malformed;
        }

        var withoutProof = message[..proofAt];
        var proofText = message[(proofAt + 3)..];
        var fields = withoutProof.Split(',');
        if (fields.Length < 2 || fields[0] != "c=" + _channelBinding || fields[1] != "r=" + _nonce
            || !Base64.IsValid(proofText, out var length) || length != SHA256.HashSizeInBytes)
        {
            return s_malformed;
        }

        var authMessage = Encoding.UTF8.GetBytes($"{_transcript},{withoutProof}");
        var clientKey = Convert.FromBase64String(proofText);
        var clientSignature = HMACSHA256.HashData(_hash!.StoredKey, authMessage);
        for (var i = 0; i < clientKey.Length; i++)
        {
            clientKey[i] ^= clientSignature[i];
        }

        if (!CryptographicOperations.FixedTimeEquals(SHA256.HashData(clientKey), _hash.StoredKey) || !_known)
        {
            return s_refused;
        }

        _state = State.Acknowledged;
        var serverSignature = HMACSHA256.HashData(_hash.ServerKey, authMessage);
        return new SaslStep.Challenge(Encoding.UTF8.GetBytes("v=" + Convert.ToBase64String(serverSignature)));
    }

    /// <summary>Undoes the <c>=2C</c> and <c>=3D</c> of a SCRAM name; null for any other <c>=</c> (RFC 5802 §5.1).</summary>
    static string? Decode(string name)
    {
        var text = new StringBuilder(name.Length);
        for (var i = 0; i < name.Length; i++)
        {
            if (name[i] != '=')
            {
                text.Append(name[i]);
                continue;
            }

            var escaped = name.AsSpan(i).StartsWith("=2C") ? ',' : name.AsSpan(i).StartsWith("=3D") ? '=' : '\0';
            if (escaped == '\0')
            {
                return null;
            }

            text.Append(escaped);
            i += 2;
        }

        return text.ToString();
    }
}
