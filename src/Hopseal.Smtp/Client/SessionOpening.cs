using Hopseal.Smtp.Tls;
using Hopseal.Smtp.Wire;

namespace Hopseal.Smtp.Client;

/// <summary>Step 8, secure: what happens on a fresh connection before mail may be written on it.</summary>
sealed class SessionOpening(SmtpStream connected, TlsDemand demand, ClientOptions options, Deadline deadline)
{
    static readonly TlsFailure s_notTried = new(TlsResultType.ValidationFailure, "tls-not-tried", "TLS failed before and was not tried again");

    ClientDialogue _dialogue = new(connected, options, deadline);
    TlsOutcome? _tls;

    /// <exception cref="SessionBrokenException">See <see cref="EndedBy"/>.</exception>
    public async ValueTask<Clearance> RunAsync()
    {
        if (demand.Start is TlsStart.Implicit && await HandshakeAsync(answer: null) is { } failed)
        {
            return failed;
        }

        var greeting = await GreetingAsync();
        var hello = await EhloAsync(SmtpPhase.Hello);
        if (_tls is null)
        {
            if (await DecideTlsAsync(greeting, hello) is { } ended)
            {
                return ended;
            }

            if (_tls is TlsOutcome.Encrypted)
            {
                // What was offered in plaintext may have been anybody's offer (RFC 3207 §4.2).
                hello = await EhloAsync(SmtpPhase.HelloAfterTls);
            }
        }

        var capabilities = await CapabilitiesAsync(hello);
        if (options.Credentials is { } credentials)
        {
            await ClientAuthentication.RunAsync(_dialogue, capabilities, credentials);
        }

        return new Clearance.Granted(new TransactionChannel(_dialogue, capabilities), _tls!);
    }

    /// <summary>What a broken session means to the caller. A server may refuse our side of a TLS 1.3 handshake only after we took it for
    /// done; its alert then comes where the first reply should be.</summary>
    public Clearance EndedBy(SessionBrokenException broken) =>
        _tls is TlsOutcome.Encrypted && broken.Fault.Phase is SmtpPhase.Greeting or SmtpPhase.Hello or SmtpPhase.HelloAfterTls
        && HandshakeFailure.LateAlert(broken, HandshakeRole.Client) is { } late
            ? new Clearance.Denied(new TlsOutcome.Refused([late]))
            : new Clearance.Unavailable(broken.Fault, _tls);

    public ValueTask BreakAsync() => _dialogue.BreakAsync();

    async ValueTask<SmtpReply> GreetingAsync()
    {
        deadline.Arm(options.GreetingTimeout);
        var greeting = await _dialogue.ReadAsync(SmtpPhase.Greeting);
        if (greeting.Code == 220)
        {
            return greeting;
        }

        throw await RefusedAsync(SmtpPhase.Greeting, greeting);
    }

    /// <summary>The reply to EHLO, which may be a permanent refusal from a server older than RFC 1869.</summary>
    async ValueTask<SmtpReply> EhloAsync(SmtpPhase phase)
    {
        var reply = await _dialogue.AskAsync(phase, $"EHLO {options.Hostname}");
        if (reply.IsPositive || DoesNotKnowEhlo(reply))
        {
            return reply;
        }

        throw await RefusedAsync(phase, reply);
    }

    /// <summary>STARTTLS, or the reason why not. Null when the session goes on.</summary>
    async ValueTask<Clearance?> DecideTlsAsync(SmtpReply greeting, SmtpReply hello)
    {
        if (demand.Start is TlsStart.None)
        {
            _tls = new TlsOutcome.Plaintext(s_notTried);
            return null;
        }

        if (!hello.IsPositive || !EhloCapabilities.Parse(hello).StartTls)
        {
            var failure = MaskedCapabilities.Explain(greeting, hello);
            if (demand.Floor is not SecurityFloor.Plaintext)
            {
                return await DenyAsync(failure);
            }

            _tls = new TlsOutcome.Plaintext(failure);
            return null;
        }

        var answer = await _dialogue.AskAsync(SmtpPhase.StartTls, "STARTTLS");
        return answer switch
        {
            { Code: 220 } => await HandshakeAsync(answer),
            { Code: 421 } => throw SessionBrokenException.Refused(SmtpPhase.StartTls, answer),

            // Offered and refused is not the same as not offered: the caller may come again without TLS, if it may at all.
            { IsTransient: true } or { IsPermanent: true } =>
                await DenyAsync(new TlsFailure(
                    TlsResultType.StarttlsNotSupported, "starttls-refused", $"STARTTLS was offered and then refused: {answer}")),
            _ => throw SessionBrokenException.Unexpected(SmtpPhase.StartTls, answer),
        };
    }

    /// <param name="answer">The 220 to STARTTLS; null for implicit TLS.</param>
    async ValueTask<Clearance?> HandshakeAsync(SmtpReply? answer)
    {
        deadline.Arm(options.HandshakeTimeout);
        UpgradeResult result;
        try
        {
            result = await TlsUpgrade.AsClientAsync(_dialogue.Stream, demand, options.Protocols, options.Clock, deadline.Token);
        }
        catch (OperationCanceledException) when (!deadline.CallerCancelled)
        {
            result = new UpgradeResult.Failed([HandshakeFailure.TimedOut]);
        }

        switch (result)
        {
            case UpgradeResult.Upgraded upgraded:
                _tls = upgraded.Tls;
                _dialogue = new ClientDialogue(upgraded.Stream, options, deadline);
                options.Transcript?.Event($"{upgraded.Tls.Version} {upgraded.Tls.CipherSuite}, peer {upgraded.Tls.Identity}");
                return null;
            case UpgradeResult.Failed { InjectedOctets: > 0 } injected:
                var refused = new TlsOutcome.Refused(injected.Failures);
                var detail = $"{injected.InjectedOctets} octets of plaintext came behind the reply to STARTTLS";
                options.Transcript?.Event(detail);
                return new Clearance.Unavailable(new SessionFault(SmtpPhase.StartTls, FaultKind.InjectedPlaintext, answer, detail), refused);
            case UpgradeResult.Failed failed:
                options.Transcript?.Event($"no TLS: {string.Join("; ", failed.Failures)}");
                return new Clearance.Denied(new TlsOutcome.Refused(failed.Failures, failed.Peer));
            default:
                throw new InvalidOperationException("unknown result of an upgrade");
        }
    }

    /// <summary>HELO where EHLO is not known; such a server can do nothing beyond RFC 821.</summary>
    async ValueTask<EhloCapabilities> CapabilitiesAsync(SmtpReply hello)
    {
        if (hello.IsPositive)
        {
            return EhloCapabilities.Parse(hello);
        }

        var phase = _tls is TlsOutcome.Encrypted && demand.Start is TlsStart.StartTls ? SmtpPhase.HelloAfterTls : SmtpPhase.Hello;
        var reply = await _dialogue.AskAsync(phase, $"HELO {options.Hostname}");
        return reply.IsPositive ? EhloCapabilities.None : throw await RefusedAsync(phase, reply);
    }

    async ValueTask<Clearance> DenyAsync(TlsFailure failure)
    {
        options.Transcript?.Event($"no TLS: {failure}");
        await _dialogue.LeaveAsync();
        return new Clearance.Denied(new TlsOutcome.Refused([failure]));
    }

    /// <summary>Takes leave of a server that does not want us now.</summary>
    async ValueTask<SessionBrokenException> RefusedAsync(SmtpPhase phase, SmtpReply reply)
    {
        if (!reply.IsTransient && !reply.IsPermanent)
        {
            return SessionBrokenException.Unexpected(phase, reply);
        }

        if (reply.Code != 421)
        {
            await _dialogue.LeaveAsync();
        }

        return SessionBrokenException.Refused(phase, reply);
    }

    /// <summary>RFC 5321 §3.2 and §4.1.4: HELO is for a server that answers EHLO as an unknown or refused command.</summary>
    static bool DoesNotKnowEhlo(SmtpReply reply) => reply.Code is 500 or 501 or 502 or 503 or 504 or 550;
}
