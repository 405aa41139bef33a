using System.Net;
using System.Net.Sockets;

namespace Hopseal.Interop.Tests.Fixtures;

/// <summary>The way between a browser and a server on loopback. While it stalls, nobody reads what the server sends, as behind a link that is dead or
/// a laptop that was closed: the server's socket fills up, and no connection ends.</summary>
sealed class StallingPath : IAsyncDisposable
{
    readonly IPEndPoint _server;
    readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    readonly CancellationTokenSource _stop = new();
    readonly Task _accepting;
    volatile TaskCompletionSource _flow = Flowing();

    public StallingPath(Uri server)
    {
        _server = new IPEndPoint(IPAddress.Loopback, server.Port);
        _listener.Start();
        _accepting = AcceptAsync();
    }

    /// <summary>Where the browser goes.</summary>
    public Uri Site => new($"http://{_listener.LocalEndpoint}/");

    /// <summary>From the next read on.</summary>
    public void Stall() => _flow = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);

    public void Release() => _flow.TrySetResult();

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Stop();
        await _accepting;
        _stop.Dispose();
    }

    static TaskCompletionSource Flowing()
    {
        var flow = new TaskCompletionSource();
        flow.SetResult();
        return flow;
    }

    async Task AcceptAsync()
    {
        List<Task> ways = [];
        try
        {
            while (true)
            {
                ways.Add(PassAsync(await _listener.AcceptTcpClientAsync(_stop.Token)));
            }
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or InvalidOperationException)
        {
            // Stopped, be it between two connections.
            await Task.WhenAll(ways);
        }
    }

    async Task PassAsync(TcpClient browser)
    {
        using (browser)
        using (var server = new TcpClient())
        {
            try
            {
                await server.ConnectAsync(_server, _stop.Token);
                var (up, down) = (browser.GetStream(), server.GetStream());
                await await Task.WhenAny(up.CopyToAsync(down, _stop.Token), StallingCopyAsync(down, up));
            }
            catch (Exception e) when (e is IOException or SocketException or OperationCanceledException)
            {
                // One of them has gone; the other is told by the end of his connection.
            }
        }
    }

    async Task StallingCopyAsync(NetworkStream from, NetworkStream to)
    {
        var buffer = new byte[16 * 1024];
        while (true)
        {
            await _flow.Task.WaitAsync(_stop.Token);
            var length = await from.ReadAsync(buffer, _stop.Token);
            if (length == 0)
            {
                return;
            }

            // What was read before it stalled goes on its way.
            await to.WriteAsync(buffer.AsMemory(0, length), _stop.Token);
        }
    }
}
