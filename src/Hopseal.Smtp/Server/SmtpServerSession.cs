using System.Net.Sockets;
using Hopseal.Smtp.Tls;
using Hopseal.Smtp.Wire;

namespace Hopseal.Smtp.Server;

/// <summary>Step 2: one inbound connection, from greeting to QUIT (RFC 5321 §3, RFC 3207). <see cref="ServerStep"/> decides, the session
/// performs.</summary>
#pragma warning disable CA1001 // RunAsync disposes what it made
public sealed partial class SmtpServerSession
#pragma warning restore CA1001
{
    readonly Lock _gate = new();
    readonly ServerConnection _connection;
    readonly ServerOptions _options;
    readonly ITransactionHandler _handler;
    readonly TimeProvider _clock;
    readonly SmtpStream _stream;
    readonly Tally _tally = new();

    CommandChannel _channel = null!; // from RunAsync on
    ContentDialogue _content = null!;
    AuthDialogue _auth = null!;
    CancellationToken _abort;
    ServerState _state = new ServerState.AwaitingHello(null);
    SessionContext? _context;
    bool _stopRequested;
    bool _isIdle; // waits for a command with no transaction open

    /// <param name="stream">Plaintext, nothing read from it yet; the session owns it from here on.</param>
    public SmtpServerSession(
        SmtpStream stream, ServerConnection connection, ServerOptions options, ITransactionHandler handler, TimeProvider clock)
    {
        ArgumentNullException.ThrowIfNull(stream);
        ArgumentNullException.ThrowIfNull(connection);
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(handler);
        ArgumentNullException.ThrowIfNull(clock);
        _stream = stream;
        _connection = connection;
        _options = options;
        _handler = handler;
        _clock = clock;
    }

    /// <summary>Runs the session to its end and closes the connection. Never throws, whatever the peer, the handler or the
    /// network does.</summary>
    /// <param name="abort">Ends the session at once: an unfinished message is dropped, its client will try again.</param>
    public async Task<ServerSessionSummary> RunAsync(CancellationToken abort)
    {
        var startedAt = _clock.GetUtcNow();
        var started = _clock.GetTimestamp();
        var transcript = _options.KeepTranscript ? new Transcript() : null;
        _abort = abort;
        _channel = new CommandChannel(_stream, transcript, _clock, abort);
        _content = new ContentDialogue(_channel, _options, _clock);
        _auth = new AuthDialogue(_channel, _options, _clock);

        var ending = await ConverseAsync();
        await _content.DisposeAsync();
        await FarewellAsync(ending);
        lock (_gate)
        {
            _isIdle = false;
        }

        await _channel.DisposeAsync();
        transcript?.Event($"closed: {ending.Reason}");
        return new ServerSessionSummary(
            _connection.SessionId,
            _connection.Listener,
            startedAt,
            _clock.GetElapsedTime(started),
            _connection.Peer,
            _connection.Local,
            _tally.Hello,
            _tally.User,
            _tally.Tls ?? Plaintext(),
            _tally.Accepted,
            _tally.RejectedRecipients,
            _tally.RejectedMessages,
            _auth.Failures,
            ending.Reason,
            _tally.DetailWith(ending.Detail),
            transcript)
        {
            RejectedSenders = _tally.RejectedSenders,
        };
    }

    /// <summary>Lets a transaction that has begun come to its end, and then closes with 421; closes at once where none has.
    /// May be called by any thread, at any time.</summary>
    public void RequestStop()
    {
        lock (_gate)
        {
            _stopRequested = true;
            if (_isIdle)
            {
                _channel.Expire();
            }
        }
    }

    /// <summary>Every exception of the session ends here, and becomes the reason why it ended.</summary>
    async Task<Ending> ConverseAsync()
    {
        try
        {
            if (_options.Mode is ListenerMode.ImplicitTls && await SecureAsync() is { } failed)
            {
                return failed;
            }

            _channel.Say(ServerReplies.Greeting(_options));
            while (true)
            {
                var ending = await NextCommandAsync();
                if (ending is not null)
                {
                    return ending;
                }
            }
        }
        catch (OperationCanceledException) when (_abort.IsCancellationRequested || _channel.Deadline.IsCancellationRequested)
        {
            return _stopRequested || _abort.IsCancellationRequested
                ? new Ending(SessionEnd.ShuttingDown, ServerReplies.ShuttingDown)
                : new Ending(SessionEnd.TimedOut, ServerReplies.TimedOut);
        }
        catch (Exception error) when (error is IOException or SocketException)
        {
            // SslStream reports a FIN inside a record as an error of its own.
            var cutOff = _channel.Stream.IsTls && _channel.Stream.Transport.SawEnd;
            return new Ending(cutOff ? SessionEnd.Truncated : SessionEnd.ConnectionLost, Detail: error.Message);
        }
        catch (Exception error)
        {
            return new Ending(SessionEnd.InternalError, ServerReplies.InternalFault, error.ToString());
        }
    }

    async ValueTask<Ending?> NextCommandAsync()
    {
        var inTransaction = _state is ServerState.InTransaction or ServerState.ReceivingChunks;
        lock (_gate)
        {
            if (_stopRequested && !inTransaction)
            {
                return new Ending(SessionEnd.ShuttingDown, ServerReplies.ShuttingDown);
            }

            _isIdle = !inTransaction;
        }

        _channel.Arm(CommandTime());
        var line = await _channel.ReadLineAsync(MaxLineOctets());
        lock (_gate)
        {
            _isIdle = false;
        }

        _channel.Deadline.ThrowIfCancellationRequested();
        _channel.Disarm();
        return line.Status switch
        {
            LineStatus.Line => await ObeyAsync(line.Octets),
            LineStatus.TooLong => Answer(ServerReplies.LineTooLong),
            LineStatus.BareLineBreak => Endings.BareLineBreak,
            LineStatus.End => Endings.OfStream(_channel.Stream),
        };
    }

    /// <summary>Nothing that was promised depends on what the client does next: a stop need not wait for it.</summary>
    void BeginWaiting()
    {
        lock (_gate)
        {
            _isIdle = true;
            if (_stopRequested)
            {
                _channel.Expire();
            }
        }
    }

    void EndWaiting()
    {
        lock (_gate)
        {
            _isIdle = false;
        }
    }

    ValueTask<Ending?> ObeyAsync(ReadOnlyMemory<byte> line)
    {
        var command = SmtpCommandParser.Parse(line.Span);
        if (line.Length + 2 > _options.MaxCommandOctets && command is not SmtpCommand.Auth)
        {
            return new ValueTask<Ending?>(Answer(ServerReplies.LineTooLong));
        }

        Show(command, line.Span);
        if (IsJunk(command) && ++_tally.JunkCommands > MaxJunkCommands && CountError() is { } tooMany)
        {
            return new ValueTask<Ending?>(tooMany);
        }

        var before = _state;
        var (next, action) = ServerStep.Step(before, command, _options);
        _state = next;
        _tally.Hello = next is ServerState.Ready { Hello: var hello } ? hello : _tally.Hello;
        return PerformAsync(before, action);
    }

    TimeSpan CommandTime() =>
        _state is ServerState.ReceivingChunks && _content.Remaining < _options.CommandTimeout ? _content.Remaining : _options.CommandTimeout;

    /// <summary>AUTH may carry more than any other command; it is read in full only where it may come.</summary>
    int MaxLineOctets() => _state is ServerState.Ready { Tls: not null, User: null } && _options.OffersAuthentication
        ? Math.Max(_options.MaxCommandOctets, AuthDialogue.MaxLineOctets)
        : _options.MaxCommandOctets;

    /// <summary>What moves no mail: a client may keep a connection open with it, but not for ever.</summary>
    static bool IsJunk(SmtpCommand command) => command is SmtpCommand.Noop or SmtpCommand.Rset or SmtpCommand.Help
        or SmtpCommand.Vrfy or SmtpCommand.Ehlo or SmtpCommand.Helo;

    /// <summary>What nobody understood may be a password that came at the wrong moment.</summary>
    void Show(SmtpCommand command, ReadOnlySpan<byte> line)
    {
        switch (command)
        {
            case SmtpCommand.Auth auth:
                _channel.Transcript?.Client(auth.InitialResponse is null ? $"AUTH {auth.Mechanism}" : $"AUTH {auth.Mechanism} (credentials)");
                break;
            case SmtpCommand.Malformed { Verb: SmtpVerb.Auth }:
                _channel.Transcript?.Client("AUTH (malformed)");
                break;
            case SmtpCommand.Unknown:
                _channel.Transcript?.Client($"(unknown command, {line.Length} octets)");
                break;
            default:
                _channel.Show(line);
                break;
        }
    }

    TlsOutcome.Plaintext Plaintext() => new(_options.Certificates is { Available: true }
        ? new TlsFailure(TlsResultType.StarttlsNotSupported, "client-did-not-ask", "the client never said STARTTLS")
        : new TlsFailure(TlsResultType.StarttlsNotSupported, "not-offered", "there is no certificate to show"));

    const int MaxJunkCommands = 100;

    /// <summary>What the summary will say.</summary>
    sealed class Tally
    {
        string? _detail;

        public string? Hello { get; set; }

        public string? User { get; set; }

        public TlsOutcome? Tls { get; set; }

        public int Accepted { get; set; }

        public int RejectedSenders { get; set; }

        public int RejectedRecipients { get; set; }

        public int RejectedMessages { get; set; }

        /// <summary>Since the last accepted message, as is <see cref="Errors"/>.</summary>
        public int JunkCommands { get; set; }

        public int Errors { get; set; }

        /// <summary>Keeps the first fault of the handler: the following ones tend to be the same.</summary>
        public void Fault(Exception? error) => _detail ??= error?.ToString();

        public void RefuseSender(SmtpReply refusal)
        {
            RejectedSenders++;
            _detail ??= $"MAIL was refused: {refusal}";
        }

        public string? DetailWith(string? ending) => (_detail, ending) switch
        {
            (null, _) => ending,
            (_, null) => _detail,
            _ => $"{ending}; {_detail}",
        };
    }
}
