using System.Net;
using System.Net.Sockets;

namespace Hopseal.Interop.Tests.Fixtures;

/// <summary>Loopback ports for programs that must be told one before they start.</summary>
static class Ports
{
    // Below Linux's ephemeral range, so that no outgoing connection of this machine takes one in the meantime.
    const int First = 20_000;
    const int Last = 32_000;

    static readonly Lock s_lock = new();
    static int s_next = Random.Shared.Next(First, Last);

    /// <summary>Free for TCP and UDP at this moment, and given to nobody else in this process.</summary>
    public static int Next()
    {
        lock (s_lock)
        {
            for (var tries = First; tries < Last; tries++)
            {
                var port = s_next;
                s_next = s_next == Last ? First : s_next + 1;
                if (IsFree(port))
                {
                    return port;
                }
            }
        }

        throw new InvalidOperationException($"no free port from {First} to {Last}");
    }

    /// <summary>Waits until somebody listens there.</summary>
    public static async Task ListenedOnAsync(IPEndPoint endpoint, Func<string> story, CancellationToken cancel) => await Eventually.FindAsync(
        $"a listener on {endpoint}",
        TimeSpan.FromSeconds(60),
        async () =>
        {
            using var client = new TcpClient(endpoint.AddressFamily);
            try
            {
                await client.ConnectAsync(endpoint, cancel);
                return endpoint;
            }
            catch (SocketException)
            {
                return null;
            }
        },
        story,
        cancel);

    static bool IsFree(int port)
    {
        try
        {
            using var tcp = new Socket(SocketType.Stream, ProtocolType.Tcp);
            tcp.Bind(new IPEndPoint(IPAddress.Loopback, port));
            using var udp = new Socket(SocketType.Dgram, ProtocolType.Udp);
            udp.Bind(new IPEndPoint(IPAddress.Loopback, port));
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
