using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Runtime.ExceptionServices;

namespace Hopseal.Smtp.Server;

/// <summary>Step 1: accepts connections on one endpoint and runs a session on each.</summary>
public sealed class SmtpListener : IAsyncDisposable
{
    const int Backlog = 1024;

    readonly ListenerOptions _options;
    readonly ConnectionLimits _limits;
    readonly ITransactionHandler _handler;
    readonly Action<ServerSessionSummary> _ended;
    readonly TimeProvider _clock;
    readonly ConcurrentDictionary<InboundConnection, Task> _connections = [];
    readonly CancellationTokenSource _stopping = new();
    readonly CancellationTokenSource _abort = new();

    Socket? _socket;
    Task _accepting = Task.CompletedTask;
    ExceptionDispatchInfo? _fault;

    /// <param name="limits">Shared by the listeners that it is to hold for together.</param>
    /// <param name="ended">Gets the summary of every connection, the refused ones too, exactly once; called by many threads. It
    /// must be quick and must not throw.</param>
    public SmtpListener(
        ListenerOptions options, ConnectionLimits limits, ITransactionHandler handler, Action<ServerSessionSummary> ended, TimeProvider clock)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(limits);
        ArgumentNullException.ThrowIfNull(handler);
        ArgumentNullException.ThrowIfNull(ended);
        ArgumentNullException.ThrowIfNull(clock);
        _options = options;
        _limits = limits;
        _handler = handler;
        _ended = ended;
        _clock = clock;
    }

    public string Name => _options.Name;

    /// <summary>Where it listens; the port is the real one.</summary>
    /// <exception cref="InvalidOperationException">It has not been started.</exception>
    public IPEndPoint Endpoint =>
        (IPEndPoint?)_socket?.LocalEndPoint ?? throw new InvalidOperationException("the listener has not been started");

    /// <summary>Sessions and handshakes in progress.</summary>
    public int Connections => _connections.Count;

    /// <summary>Binds, listens and begins to accept.</summary>
    /// <exception cref="SocketException">The endpoint is taken, or may not be bound.</exception>
    public Task StartAsync()
    {
        var socket = new Socket(_options.Endpoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            if (_options.Endpoint.AddressFamily is AddressFamily.InterNetworkV6)
            {
                socket.DualMode = false; // [::]:25 and 0.0.0.0:25 are two listeners
            }

            socket.Bind(_options.Endpoint);
            socket.Listen(Backlog);
        }
        catch
        {
            socket.Dispose();
            throw;
        }

        _socket = socket;
        var loop = new AcceptLoop(socket.AcceptAsync, Begin, _clock);
        _accepting = Task.Run(() => loop.RunAsync(_stopping.Token));
        return Task.CompletedTask;
    }

    /// <summary>Stops accepting, lets transactions in progress end for up to <paramref name="grace"/>, and ends then what is left.
    /// A client that was cut off got no 250 and will try again.</summary>
    /// <exception cref="Exception">What the callback threw, if it ever did.</exception>
    public async Task StopAsync(TimeSpan grace)
    {
        await _stopping.CancelAsync();
        await _accepting;
        _socket?.Dispose();
        foreach (var connection in _connections.Keys)
        {
            connection.RequestStop();
        }

        var all = Task.WhenAll(_connections.Values);
        try
        {
            await all.WaitAsync(grace, _clock);
        }
        catch (TimeoutException)
        {
            await _abort.CancelAsync();
            await all;
        }

        _fault?.Throw();
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync(TimeSpan.Zero);
        _stopping.Dispose();
        _abort.Dispose();
    }

    /// <summary>Takes a connection over from the accept loop, which must not wait for it.</summary>
    void Begin(Socket socket)
    {
        var connection = new InboundConnection(socket, _options, _limits, _handler, _clock);
        var running = new Task<Task>(() => RunAsync(connection), TaskCreationOptions.DenyChildAttach);
        _connections[connection] = running.Unwrap();
        running.Start(TaskScheduler.Default);
    }

    async Task RunAsync(InboundConnection connection)
    {
        try
        {
            _ended(await connection.RunAsync(_abort.Token));
        }
        catch (Exception error)
        {
            // A fault of this program, not of a peer. It must not end the listener, and it must not be lost.
            _fault ??= ExceptionDispatchInfo.Capture(error);
        }
        finally
        {
            _connections.TryRemove(connection, out _);
        }
    }
}
