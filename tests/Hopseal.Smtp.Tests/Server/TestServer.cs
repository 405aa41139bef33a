using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Threading.Channels;
using Hopseal.Smtp.Mail;
using Hopseal.Smtp.Server;
using Hopseal.Smtp.Wire;

namespace Hopseal.Smtp.Tests.Server;

/// <summary>A listener on loopback, the messages it took and the sessions it had.</summary>
sealed class TestServer : IAsyncDisposable
{
    static readonly TimeSpan s_patience = TimeSpan.FromSeconds(30);

    readonly Channel<ServerSessionSummary> _sessions = Channel.CreateUnbounded<ServerSessionSummary>();

    TestServer(ListenerOptions options, ConnectionLimits limits, ITransactionHandler handler, TimeProvider clock)
    {
        Listener = new SmtpListener(options, limits, handler, session => _sessions.Writer.TryWrite(session), clock);
    }

    public static ServerOptions Options { get; } = new()
    {
        Hostname = TestAuthority.ServerName,
        Certificates = TestAuthority.Certificates,
        KeepTranscript = true,
    };

    public static ServerOptions Submission { get; } = Options with
    {
        Mode = ListenerMode.StartTlsRequired,
        Authentication = AuthenticationUse.Required,
        Credentials = new OneUser(),
    };

    public SmtpListener Listener { get; }

    public IPEndPoint Endpoint => Listener.Endpoint;

    public static async Task<TestServer> StartAsync(
        ServerOptions options, ITransactionHandler handler, TimeProvider? clock = null, ConnectionLimits? limits = null,
        ImmutableArray<IPNetwork> proxyFrom = default)
    {
        var server = new TestServer(
            new ListenerOptions
            {
                Name = "test",
                Endpoint = new IPEndPoint(IPAddress.Loopback, 0),
                Server = options,
                ProxyFrom = proxyFrom.IsDefault ? [] : proxyFrom,
            },
            limits ?? new ConnectionLimits(1000, 1000),
            handler,
            clock ?? TimeProvider.System);
        await server.Listener.StartAsync();
        return server;
    }

    /// <summary>The next session that ended.</summary>
    public async Task<ServerSessionSummary> SessionAsync()
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        patience.CancelAfter(s_patience);
        return await _sessions.Reader.ReadAsync(patience.Token);
    }

    public ValueTask DisposeAsync() => Listener.DisposeAsync();
}

/// <summary>One session without a listener.</summary>
sealed class OneSession : IAsyncDisposable
{
    public required SmtpServerSession Session { get; init; }

    public required SmtpTestClient Client { get; init; }

    public required Task<ServerSessionSummary> Summary { get; init; }

    /// <param name="prepare">Runs before the session does.</param>
    public static async Task<OneSession> StartAsync(
        ServerOptions options, ITransactionHandler handler, Action<SmtpServerSession>? prepare = null)
    {
        using var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen();
        var accepting = listener.AcceptAsync(TestContext.Current.CancellationToken);
        var client = await SmtpTestClient.ConnectAsync((IPEndPoint)listener.LocalEndPoint!);
        var socket = await accepting;
        var connection = new ServerConnection("one", "test", client.Local, (IPEndPoint)socket.LocalEndPoint!);
        var session = new SmtpServerSession(
            new SmtpStream(new SocketTransport(socket)), connection, options, handler, TimeProvider.System);
        prepare?.Invoke(session);
        return new OneSession { Session = session, Client = client, Summary = session.RunAsync(TestContext.Current.CancellationToken) };
    }

    public async ValueTask DisposeAsync()
    {
        await Client.DisposeAsync();
        await Summary;
    }
}

sealed record ReceivedMessage(SessionContext Session, Envelope Envelope, string Content);

/// <summary>Keeps every committed message. Recipients tell it what to do: <c>refuse@</c>, <c>defer@</c>, <c>throw@</c>; senders
/// too: <c>refuse@</c>, <c>throw@</c>, and <c>begin@</c>, <c>write@</c>, <c>commit@</c> throw at that moment.</summary>
sealed class MessageList : ITransactionHandler
{
    public ConcurrentQueue<ReceivedMessage> Messages { get; } = [];

    /// <summary>Writers that were opened and not yet disposed.</summary>
    public int Open => _open;

    public int Begun => _begun;

    /// <summary>A commit waits for this.</summary>
    public Task Gate { get; set; } = Task.CompletedTask;

    /// <summary>Completes when a commit begins.</summary>
    public TaskCompletionSource Committing { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>The largest piece that was ever written.</summary>
    public int LargestPiece { get; private set; }

    int _open;
    int _begun;

    public SmtpReply? RefusalOf(SessionContext session, Mailbox? sender) => sender?.LocalPart switch
    {
        "refuse" => new SmtpReply(550, new EnhancedStatus(5, 7, 1), "Not from there"),
        "throw" => throw new InvalidOperationException("the sender check broke"),
        _ => null,
    };

    public ValueTask<SmtpReply> RecipientAsync(SessionContext session, Envelope soFar, Mailbox recipient, CancellationToken cancel) =>
        ValueTask.FromResult(recipient.LocalPart switch
        {
            "refuse" => new SmtpReply(550, new EnhancedStatus(5, 7, 1), "Relaying denied"),
            "defer" => new SmtpReply(450, new EnhancedStatus(4, 2, 0), "Try later"),
            "throw" => throw new InvalidOperationException("the recipient check broke"),
            _ => new SmtpReply(250, new EnhancedStatus(2, 1, 5), "Recipient OK"),
        });

    public IMessageWriter BeginMessage(SessionContext session, Envelope envelope)
    {
        if (envelope.ReturnPath?.LocalPart == "begin")
        {
            throw new IOException("no space to begin");
        }

        Interlocked.Increment(ref _open);
        Interlocked.Increment(ref _begun);
        return new Writer(this, session, envelope);
    }

    sealed class Writer(MessageList list, SessionContext session, Envelope envelope) : IMessageWriter
    {
        readonly MemoryStream _content = new();
        bool _disposed;

        public ValueTask WriteAsync(ReadOnlyMemory<byte> content, CancellationToken cancel)
        {
            if (envelope.ReturnPath?.LocalPart == "write")
            {
                throw new IOException("no space to write");
            }

            list.LargestPiece = Math.Max(list.LargestPiece, content.Length);
            _content.Write(content.Span);
            return ValueTask.CompletedTask;
        }

        public async ValueTask<SmtpReply> CommitAsync(CancellationToken cancel)
        {
            list.Committing.TrySetResult();
            await list.Gate.WaitAsync(cancel);
            if (envelope.ReturnPath?.LocalPart == "commit")
            {
                throw new IOException("no space to commit");
            }

            list.Messages.Enqueue(new ReceivedMessage(session, envelope, Encoding.Latin1.GetString(_content.ToArray())));
            return new SmtpReply(250, new EnhancedStatus(2, 0, 0), "Queued");
        }

        public ValueTask DisposeAsync()
        {
            if (!_disposed)
            {
                _disposed = true;
                Interlocked.Decrement(ref list._open);
            }

            return ValueTask.CompletedTask;
        }
    }
}
