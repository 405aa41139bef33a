using System.Net;
using System.Net.Sockets;
using Hopseal.Smtp.Wire;

namespace Hopseal.Smtp.Tests.Tls;

/// <summary>Both ends of one TCP connection over loopback.</summary>
sealed class LoopbackPair : IAsyncDisposable
{
    LoopbackPair(Socket client, Socket server)
    {
        ClientSocket = client;
        ServerSocket = server;
        Client = new SmtpStream(new SocketTransport(client));
        Server = new SmtpStream(new SocketTransport(server));
    }

    public Socket ClientSocket { get; }

    public Socket ServerSocket { get; }

    public SmtpStream Client { get; }

    public SmtpStream Server { get; }

    public static async Task<LoopbackPair> ConnectAsync(CancellationToken cancel)
    {
        using var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen(1);
        var client = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await client.ConnectAsync(listener.LocalEndPoint!, cancel);
        return new LoopbackPair(client, await listener.AcceptAsync(cancel));
    }

    public async ValueTask DisposeAsync()
    {
        await Client.DisposeAsync();
        await Server.DisposeAsync();
    }
}
