using Hopseal.Smtp.Server;

namespace Hopseal.Smtp.Sasl;

/// <summary>PLAIN (RFC 4616): <c>[authzid] NUL authcid NUL password</c> in one message. Nobody may act as somebody else here, so
/// an authzid must be the user itself.</summary>
sealed class PlainServerExchange(ICredentials credentials) : SaslServerExchange(credentials)
{
    static readonly SaslStep s_empty = new SaslStep.Challenge(default);
    static readonly SaslStep s_malformed = new SaslStep.Failed(Malformed: true);

    public override ValueTask<SaslStep> NextAsync(ReadOnlyMemory<byte>? response, CancellationToken cancel)
    {
        if (response is not { } message)
        {
            return ValueTask.FromResult(s_empty);
        }

        var octets = message.Span;
        var first = octets.IndexOf((byte)0);
        var second = first < 0 ? -1 : octets[(first + 1)..].IndexOf((byte)0);
        if (second < 0)
        {
            return ValueTask.FromResult(s_malformed);
        }

        var authorization = octets[..first];
        var user = Text(octets.Slice(first + 1, second), MaxUserOctets);
        var password = Text(octets[(first + second + 2)..], MaxPasswordOctets);
        if (user is null || password is null || (!authorization.IsEmpty && Text(authorization, MaxUserOctets) != user))
        {
            return ValueTask.FromResult(s_malformed);
        }

        return CheckAsync(user, password, cancel);
    }
}
