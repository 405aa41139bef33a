using System.Net;
using System.Net.Sockets;

namespace Hopseal.Load;

/// <summary>Listening sockets on one address or on many.</summary>
static class Listening
{
    const int Backlog = 512;

    public static IReadOnlyList<Socket> Open(LoadOptions options)
    {
        if (options.Addresses == 0)
        {
            return [Open(IPAddress.Loopback, options.Port)];
        }

        var first = options.FirstAddress.GetAddressBytes();
        return [.. Enumerable.Range(0, options.Addresses).Select(number => Open(Numbered(first, number), options.Port))];
    }

    /// <summary>The system completes the connections; nobody ever greets.</summary>
    public static async Task SilentlyAsync(LoadOptions options, CancellationToken stop)
    {
        var sockets = Open(options);
        try
        {
            await Task.Delay(Timeout.Infinite, stop);
        }
        catch (OperationCanceledException)
        {
            // Stopped.
        }

        foreach (var socket in sockets)
        {
            socket.Dispose();
        }
    }

    /// <summary>250 addresses in each last octet: 127.1.0.1 to 127.1.0.250, 127.1.1.1, ...</summary>
    static IPAddress Numbered(byte[] first, int number) =>
        new([first[0], first[1], (byte)(first[2] + (number / 250)), (byte)(first[3] + (number % 250))]);

    static Socket Open(IPAddress address, int port)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(address, port));
        socket.Listen(Backlog);
        return socket;
    }
}
