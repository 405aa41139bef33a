using System.Buffers;
using System.Net.Sockets;
using Hopseal.Smtp.Tls;
using Hopseal.Smtp.Wire;

namespace Hopseal.Smtp.Server;

/// <summary>Does what <see cref="ServerStep"/> decided.</summary>
public sealed partial class SmtpServerSession
{
    /// <summary>Null when the session goes on.</summary>
    async ValueTask<Ending?> PerformAsync(ServerState before, ServerAction action)
    {
        var ending = action switch
        {
            ServerAction.Say say => Answer(say.Reply),
            ServerAction.Close close => new Ending(close.End, close.Farewell, close.Detail),
            ServerAction.AskSender ask => Ask(ask),
            ServerAction.AskRecipient ask => await AskAsync(ask),
            ServerAction.ReceiveData data => await DataAsync(data),
            ServerAction.ReceiveChunk chunk => await ChunkAsync(chunk),
            ServerAction.DropChunk drop => await DropAsync(before, drop),
            ServerAction.Authenticate authenticate => await AuthenticateAsync(authenticate),
            ServerAction.Upgrade upgrade => await UpgradeAsync(upgrade),
            _ => throw new System.Diagnostics.UnreachableException(),
        };
        if (_state is not ServerState.ReceivingChunks)
        {
            await _content.DiscardAsync();
        }

        return ending;
    }

    /// <summary>Says it, and counts it where it blames the client.</summary>
    Ending? Answer(SmtpReply reply)
    {
        if (reply.IsPermanent && CountError() is { } tooMany)
        {
            return tooMany;
        }

        _channel.Say(reply);
        return null;
    }

    Ending? CountError() => ++_tally.Errors < _options.MaxErrors
        ? null
        : new Ending(SessionEnd.TooManyErrors, ServerReplies.TooManyErrors, $"{_tally.Errors} errors");

    Ending? Ask(ServerAction.AskSender ask)
    {
        SmtpReply? refusal;
        try
        {
            refusal = _handler.RefusalOf(Context(ask.Transaction.Session), ask.Transaction.Envelope.ReturnPath);
        }
        catch (Exception error) when (!_abort.IsCancellationRequested)
        {
            _tally.Fault(error);
            refusal = ServerReplies.LocalFault;
        }

        if (refusal is null)
        {
            return Answer(ServerReplies.SenderOk);
        }

        _state = ask.Transaction.Session;
        _tally.RefuseSender(refusal);
        return Answer(refusal);
    }

    async ValueTask<Ending?> AskAsync(ServerAction.AskRecipient ask)
    {
        SmtpReply reply;
        try
        {
            reply = await _handler.RecipientAsync(Context(ask.Transaction.Session), ask.Transaction.Envelope, ask.Recipient.Mailbox, _abort);
        }
        catch (Exception error) when (!_abort.IsCancellationRequested)
        {
            _tally.Fault(error);
            reply = ServerReplies.LocalFault;
        }

        if (reply.IsPositive)
        {
            _state = ask.Transaction.With(ask.Recipient);
        }
        else
        {
            _tally.RejectedRecipients++;
        }

        return Answer(reply);
    }

    async ValueTask<Ending?> DataAsync(ServerAction.ReceiveData data) =>
        Settle(await _content.ReceiveDataAsync(() => _handler.BeginMessage(Context(data.Session), data.Envelope), _abort), isMessage: true);

    async ValueTask<Ending?> ChunkAsync(ServerAction.ReceiveChunk chunk)
    {
        var outcome = await _content.ReceiveChunkAsync(chunk, () => _handler.BeginMessage(Context(chunk.Session), chunk.Envelope), _abort);
        var refused = outcome is ContentOutcome.Answered { Reply.IsPositive: false };
        if (refused && !chunk.Last)
        {
            _state = new ServerState.ChunksFailed(chunk.Session);
        }

        return Settle(outcome, isMessage: chunk.Last || refused);
    }

    Ending? Settle(ContentOutcome outcome, bool isMessage)
    {
        if (outcome is ContentOutcome.Over over)
        {
            return over.Ending;
        }

        var (reply, octets, fault) = (ContentOutcome.Answered)outcome;
        _tally.Fault(fault);
        _channel.Transcript?.Event($"({octets} octets of message)");
        if (isMessage && reply.IsPositive)
        {
            _tally.Accepted++;
            _tally.Errors = _tally.JunkCommands = 0;
        }
        else if (isMessage)
        {
            _tally.RejectedMessages++;
        }

        return Answer(reply);
    }

    async ValueTask<Ending?> DropAsync(ServerState before, ServerAction.DropChunk drop)
    {
        if (await _content.DropChunkAsync(drop.Size) is { } ending)
        {
            return ending;
        }

        _channel.Disarm();
        if (before is ServerState.ChunksFailed)
        {
            // A client that sent all chunks at once made one error, not as many as it made chunks.
            _channel.Say(drop.Refusal);
            return null;
        }

        return Answer(drop.Refusal);
    }

    async ValueTask<Ending?> AuthenticateAsync(ServerAction.Authenticate authenticate)
    {
        BeginWaiting();
        var outcome = await _auth.RunAsync(authenticate.Mechanism, authenticate.InitialResponse, _abort);
        EndWaiting();
        switch (outcome)
        {
            case AuthOutcome.Succeeded success:
                _tally.User = success.User;
                _state = authenticate.Session with { User = success.User };
                return Answer(ServerReplies.AuthenticationSucceeded);
            case AuthOutcome.Refused refused:
                _tally.Fault(refused.Fault);
                return Answer(refused.Reply);
            case AuthOutcome.Over over:
                return over.Ending;
            default:
                throw new System.Diagnostics.UnreachableException();
        }
    }

    /// <summary>STARTTLS. Octets that came behind it were not protected by it: they are neither run nor fed to the handshake
    /// (RFC 3207 §4.2 and §6).</summary>
    async ValueTask<Ending?> UpgradeAsync(ServerAction.Upgrade upgrade)
    {
        var injected = _channel.Stream.Buffered.Length;
        if (injected > 0)
        {
            var detail = $"{injected} octets of plaintext came behind STARTTLS";
            _tally.Tls = new TlsOutcome.Refused([new TlsFailure(TlsResultType.ValidationFailure, "plaintext-before-handshake", detail)]);
            return new Ending(SessionEnd.InjectedPlaintext, ServerReplies.Injected, detail);
        }

        _channel.Say(upgrade.Go);
        return await SecureAsync();
    }

    /// <summary>Handshakes; null when the connection is TLS. Whatever was known about the client is gone then.</summary>
    async ValueTask<Ending?> SecureAsync()
    {
        _channel.Arm(_options.HandshakeTimeout);
        BeginWaiting();
        await _channel.FlushAsync();
        var result = await HandshakeAsync();
        EndWaiting();
        _channel.Disarm();
        if (result is UpgradeResult.Upgraded upgraded)
        {
            _channel.Upgrade(upgraded.Stream);
            _channel.Transcript?.Event($"{upgraded.Tls.Version} {upgraded.Tls.CipherSuite}");
            _tally.Tls = upgraded.Tls;
            _state = new ServerState.AwaitingHello(upgraded.Tls);
            return null;
        }

        var failures = ((UpgradeResult.Failed)result).Failures;
        _tally.Tls = new TlsOutcome.Refused(failures);
        return new Ending(_stopRequested ? SessionEnd.ShuttingDown : SessionEnd.HandshakeFailed, Detail: string.Join("; ", failures));
    }

    async ValueTask<UpgradeResult> HandshakeAsync()
    {
        if (_options.Certificates is not { Available: true } certificates)
        {
            return new UpgradeResult.Failed([new TlsFailure(TlsResultType.ValidationFailure, "no-certificate", "there is no certificate to show")]);
        }

        try
        {
            return await TlsUpgrade.AsServerAsync(
                _channel.Stream,
                certificates,
                _options.Protocols,
                _options.SessionTickets,
                _options.JudgeClient?.Invoke(_connection.Peer.Address),
                _clock,
                _channel.Deadline);
        }
        catch (OperationCanceledException) when (!_abort.IsCancellationRequested)
        {
            return new UpgradeResult.Failed([HandshakeFailure.TimedOut]);
        }
    }

    /// <summary>The session as the handler sees it; made anew only when something about it changed.</summary>
    SessionContext Context(ServerState.Ready session)
    {
        if (_context is not { } known
            || known.Hello != session.Hello || known.Extended != session.Extended || known.User != session.User
            || !ReferenceEquals(known.Tls, session.Tls))
        {
            _context = known = new SessionContext(
                _connection.SessionId,
                _connection.Listener,
                _connection.Peer,
                _connection.Local,
                session.Hello,
                session.Extended,
                session.Tls,
                session.User);
        }

        return known;
    }

    /// <summary>The last reply and an orderly close, both bounded: the client need not cooperate.</summary>
    async ValueTask FarewellAsync(Ending ending)
    {
        if (ending.Reason is SessionEnd.HandshakeFailed or SessionEnd.ConnectionLost || !_channel.CanSpeak)
        {
            return;
        }

        using var limit = new CancellationTokenSource(s_farewellTime, _clock);
        try
        {
            if (ending.Farewell is { } farewell)
            {
                _channel.Say(farewell);
            }

            await _channel.Stream.CloseAsync(limit.Token).AsTask().WaitAsync(limit.Token);
            if (ending.Lingers)
            {
                await LingerAsync(_channel.Stream.Transport, limit.Token);
            }
        }
        catch (Exception error) when (error is IOException or SocketException or OperationCanceledException or ObjectDisposedException)
        {
            // Nobody is listening any more; the connection is closed all the same.
        }
    }

    static async ValueTask LingerAsync(SocketTransport transport, CancellationToken cancel)
    {
        var nowhere = ArrayPool<byte>.Shared.Rent(4096);
        try
        {
            var read = 0;
            for (var total = 0; total < MaxLingerOctets; total += read)
            {
                read = await transport.ReadAsync(nowhere, cancel);
                if (read == 0)
                {
                    return;
                }
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(nowhere);
        }
    }

    const int MaxLingerOctets = 1024 * 1024;

    static readonly TimeSpan s_farewellTime = TimeSpan.FromSeconds(2);
}
