using System.Buffers.Text;
using Hopseal.Smtp.Sasl;
using Hopseal.Smtp.Wire;

namespace Hopseal.Smtp.Client;

/// <summary>AUTH (RFC 4954), inside TLS only, with the strongest mechanism that both sides know.</summary>
static class ClientAuthentication
{
    const int MaxSteps = 8;
    const int Accepted = 235;
    const int Challenge = 334;
    const string Withheld = "(credentials withheld)";

    /// <exception cref="SessionBrokenException">The server does not take the credentials, or does not prove that it knows them.</exception>
    public static async ValueTask RunAsync(ClientDialogue dialogue, EhloCapabilities capabilities, ClientCredentials credentials)
    {
        if (!dialogue.Stream.IsTls)
        {
            throw new InvalidOperationException("credentials never travel in plaintext");
        }

        var offered = capabilities.AuthMechanisms;
        if (SaslClient.Start(offered, credentials.User, credentials.Password) is not { } sasl)
        {
            var theirs = offered.Count == 0 ? "none" : string.Join(" ", offered);
            throw Failed(FaultKind.ProtocolError, $"no common mechanism; the server offers {theirs}");
        }

        var initial = sasl.Initial is { } first ? " " + Encoded(first) : "";
        var reply = await dialogue.AskAsync(
            SmtpPhase.Authentication, $"AUTH {sasl.Mechanism}{initial}", $"AUTH {sasl.Mechanism}{(initial.Length > 0 ? " " + Withheld : "")}");
        for (var step = 0; reply.Code == Challenge && step < MaxSteps; step++)
        {
            // Off this thread: a key derivation may take half a second.
            var answer = Decoded(reply) is { } challenge ? await Task.Run(() => sasl.Next(challenge)) : null;
            if (answer is null)
            {
                var cancelled = await dialogue.AskAsync(SmtpPhase.Authentication, "*");
                throw Failed(FaultKind.ProtocolError, $"the server's part of {sasl.Mechanism} is wrong", cancelled);
            }

            reply = await dialogue.AskAsync(SmtpPhase.Authentication, Encoded(answer), Withheld);
        }

        if (reply.Code == Accepted)
        {
            if (!sasl.ServerIsProven)
            {
                throw Failed(FaultKind.ProtocolError, "the server did not prove that it knows the password", reply);
            }

            return;
        }

        throw reply.IsTransient || reply.IsPermanent
            ? SessionBrokenException.Refused(SmtpPhase.Authentication, reply)
            : SessionBrokenException.Unexpected(SmtpPhase.Authentication, reply);
    }

    /// <summary>An empty message is written <c>=</c> in the initial response (RFC 4954 §4); no mechanism here has an empty one.</summary>
    static string Encoded(byte[] message) => Convert.ToBase64String(message);

    static byte[]? Decoded(SmtpReply reply)
    {
        var text = reply.Lines[0].Trim();
        return reply.Lines.Length == 1 && Base64.IsValid(text) ? Convert.FromBase64String(text) : null;
    }

    static SessionBrokenException Failed(FaultKind kind, string detail, SmtpReply? reply = null) =>
        new(new SessionFault(SmtpPhase.Authentication, kind, reply, detail));
}
