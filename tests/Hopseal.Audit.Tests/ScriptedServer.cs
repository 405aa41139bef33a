using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Hopseal.Audit.Tests;

/// <summary>Gives each connection to a script, and ends them all when it is disposed.</summary>
sealed class ScriptedServer : IAsyncDisposable
{
    readonly TcpListener _listener;
    readonly Func<NetworkStream, CancellationToken, Task> _script;
    readonly CancellationTokenSource _stop = new();
    readonly List<Task> _running = [];
    readonly Task _accepting;
    int _connections;

    ScriptedServer(TcpListener listener, Func<NetworkStream, CancellationToken, Task> script)
    {
        (_listener, _script) = (listener, script);
        _accepting = AcceptAsync();
    }

    public IPEndPoint Endpoint => (IPEndPoint)_listener.LocalEndpoint;

    public int Connections => Volatile.Read(ref _connections);

    public static ScriptedServer Start(Func<NetworkStream, CancellationToken, Task> script, IPAddress? address = null, int port = 0)
    {
        var listener = new TcpListener(address ?? IPAddress.Loopback, port);
        listener.Start();
        return new ScriptedServer(listener, script);
    }

    /// <summary>Says the greeting, then answers lines; a null answer closes the connection.</summary>
    public static ScriptedServer Smtp(string greeting, Func<string, string?> answer) => Start(async (stream, stop) =>
    {
        await SendAsync(stream, greeting, stop);
        while (await LineAsync(stream, stop) is { } line)
        {
            if (answer(line) is not { } reply)
            {
                return;
            }

            await SendAsync(stream, reply, stop);
        }
    });

    public static ValueTask SendAsync(Stream stream, string text, CancellationToken stop) => stream.WriteAsync(Encoding.Latin1.GetBytes(text), stop);

    public static async Task<string?> LineAsync(Stream stream, CancellationToken stop)
    {
        var line = new StringBuilder();
        var octet = new byte[1];
        while (await stream.ReadAsync(octet, stop) == 1)
        {
            if (octet[0] == '\n')
            {
                return line.ToString().TrimEnd('\r');
            }

            line.Append((char)octet[0]);
        }

        return null;
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _accepting;
        _listener.Stop();
        await Task.WhenAll(_running);
        _stop.Dispose();
    }

    async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                var client = await _listener.AcceptTcpClientAsync(_stop.Token);
                Interlocked.Increment(ref _connections);
                _running.Add(RunAsync(client));
            }
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException or InvalidOperationException)
        {
            // Stopped.
        }
    }

    async Task RunAsync(TcpClient client)
    {
        using (client)
        {
            try
            {
                await _script(client.GetStream(), _stop.Token);
            }
            catch (Exception e) when (e is IOException or OperationCanceledException or SocketException or System.Security.Authentication.AuthenticationException)
            {
                // The client has had enough, or the test has.
            }
        }
    }
}
