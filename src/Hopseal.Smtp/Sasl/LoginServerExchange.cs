using Hopseal.Smtp.Server;

namespace Hopseal.Smtp.Sasl;

/// <summary>LOGIN, which was never standardised but is what many devices speak: the user name, then the password. A client may send
/// the user name as initial response.</summary>
sealed class LoginServerExchange(ICredentials credentials) : SaslServerExchange(credentials)
{
    static readonly SaslStep s_malformed = new SaslStep.Failed(Malformed: true);
    static readonly SaslStep s_askUser = new SaslStep.Challenge("Username:"u8.ToArray());
    static readonly SaslStep s_askPassword = new SaslStep.Challenge("Password:"u8.ToArray());

    string? _user;

    public override ValueTask<SaslStep> NextAsync(ReadOnlyMemory<byte>? response, CancellationToken cancel)
    {
        if (response is not { } message)
        {
            return ValueTask.FromResult(s_askUser);
        }

        if (_user is null)
        {
            _user = Text(message.Span, MaxUserOctets);
            return ValueTask.FromResult(_user is null ? s_malformed : s_askPassword);
        }

        return Text(message.Span, MaxPasswordOctets) is { } password
            ? CheckAsync(_user, password, cancel)
            : ValueTask.FromResult(s_malformed);
    }
}
