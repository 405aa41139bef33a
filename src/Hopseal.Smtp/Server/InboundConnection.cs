using System.Net;
using System.Net.Sockets;
using System.Text;
using Hopseal.Smtp.Tls;
using Hopseal.Smtp.Wire;

namespace Hopseal.Smtp.Server;

/// <summary>An accepted socket on its way to a session: limits, PROXY header, session, and the places it took given back.</summary>
sealed class InboundConnection(
    Socket socket, ListenerOptions options, ConnectionLimits limits, ITransactionHandler handler, TimeProvider clock)
{
    static readonly TlsOutcome.Plaintext s_noSession =
        new(new TlsFailure(TlsResultType.StarttlsNotSupported, "no-session", "the connection was refused before a session began"));

    readonly Lock _gate = new();
    SmtpServerSession? _session;
    CancellationTokenSource? _beforeSession;
    bool _stopRequested;

    /// <summary>See <see cref="SmtpServerSession.RequestStop"/>. A connection that has no session yet ends at once.</summary>
    public void RequestStop()
    {
        lock (_gate)
        {
            _stopRequested = true;
            _session?.RequestStop();
            _ = _beforeSession?.CancelAsync();
        }
    }

    /// <summary>Runs the connection to its end. Never throws, whatever the peer does.</summary>
    public async Task<ServerSessionSummary> RunAsync(CancellationToken abort)
    {
        var startedAt = clock.GetUtcNow();
        var started = clock.GetTimestamp();
        var connection = new ServerConnection(
            Guid.CreateVersion7(startedAt).ToString("N"), options.Name, s_nowhere, options.Endpoint);
        IPAddress? client = null;
        var entered = false;
        try
        {
            connection = connection with { Peer = (IPEndPoint)socket.RemoteEndPoint!, Local = (IPEndPoint)socket.LocalEndPoint! };
            entered = limits.TryEnter();
            if (!entered)
            {
                return Summary(Refuse("too many connections"));
            }

            if (options.IsProxy(connection.Peer.Address))
            {
                var (named, ending) = await NamedClientAsync(connection, abort);
                if (ending is not null)
                {
                    return Summary(ending);
                }

                connection = named;
            }

            if (!limits.TryEnter(connection.Peer.Address))
            {
                return Summary(Refuse("too many connections of this client"));
            }

            client = connection.Peer.Address;
            return await SessionOf(connection).RunAsync(abort);
        }
        catch (Exception error) when (error is SocketException or ObjectDisposedException)
        {
            return Summary(new Ending(SessionEnd.ConnectionLost, Detail: error.Message));
        }
        finally
        {
            socket.Dispose();
            if (client is not null)
            {
                limits.Leave(client);
            }

            if (entered)
            {
                limits.Leave();
            }
        }

        ServerSessionSummary Summary(Ending ending) => new(
            connection.SessionId, connection.Listener, startedAt, clock.GetElapsedTime(started), connection.Peer, connection.Local,
            Hello: null, User: null, s_noSession, Accepted: 0, RejectedRecipients: 0, RejectedMessages: 0, AuthenticationFailures: 0,
            ending.Reason, ending.Detail, Transcript: null);
    }

    static readonly IPEndPoint s_nowhere = new(IPAddress.None, 0);

    SmtpServerSession SessionOf(ServerConnection connection)
    {
        var session = new SmtpServerSession(
            new SmtpStream(new SocketTransport(socket)), connection, options.Server, handler, clock);
        lock (_gate)
        {
            _session = session;
            if (_stopRequested)
            {
                session.RequestStop();
            }
        }

        return session;
    }

    /// <summary>The connection with the client that the proxy names.</summary>
    async ValueTask<(ServerConnection Connection, Ending? Ending)> NamedClientAsync(ServerConnection connection, CancellationToken abort)
    {
        using var deadline = new CancellationTokenSource(options.Server.HandshakeTimeout, clock);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, abort);
        lock (_gate)
        {
            _beforeSession = both;
            if (_stopRequested)
            {
                _ = both.CancelAsync();
            }
        }

        try
        {
            return await ProxyHeader.ReadAsync(socket, both.Token) switch
            {
                ProxyHeader.Client client => (connection with { Peer = client.Source, Local = client.Destination }, null),
                ProxyHeader.Bad bad => (connection, new Ending(SessionEnd.BadProxyHeader, Detail: bad.Why)),
                _ => (connection, null),
            };
        }
        catch (OperationCanceledException)
        {
            return (connection, deadline.IsCancellationRequested
                ? new Ending(SessionEnd.BadProxyHeader, Detail: "the PROXY header did not come in time")
                : new Ending(SessionEnd.ShuttingDown));
        }
        finally
        {
            lock (_gate)
            {
                _beforeSession = null;
            }
        }
    }

    /// <summary>One segment into the socket's empty buffer, without waiting for anything. Where TLS is expected from the first
    /// octet there is nothing that could be said.</summary>
    Ending Refuse(string why)
    {
        if (options.Server.Mode is not ListenerMode.ImplicitTls)
        {
            socket.Blocking = false;
            socket.Send(Encoding.ASCII.GetBytes($"{ServerReplies.TooManyConnections}\r\n"), SocketFlags.None, out _);
            socket.Shutdown(SocketShutdown.Send);
        }

        return new Ending(SessionEnd.TooManyConnections, Detail: why);
    }
}
