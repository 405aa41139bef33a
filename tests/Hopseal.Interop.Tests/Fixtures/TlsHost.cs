using System.Collections.Concurrent;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Text;

namespace Hopseal.Interop.Tests.Fixtures;

/// <param name="ServerName">By SNI; null in plaintext.</param>
/// <param name="Recipient">Of RCPT.</param>
sealed record HostDelivery(string? ServerName, string Recipient);

/// <summary>An MX host on a loopback address of its own: it offers STARTTLS if it has a certificate, shows that to whatever name it is asked
/// for, and takes every message.</summary>
sealed class TlsHost : IAsyncDisposable
{
    readonly TcpListener _listener;
    readonly SslStreamCertificateContext? _certificate;
    readonly CancellationTokenSource _stop = new();
    readonly Task _accepting;
    int _connections;

    /// <param name="shown">Null: no STARTTLS.</param>
    public TlsHost(IPEndPoint endpoint, ShownCertificate? shown)
    {
        _certificate = shown is null ? null : SslStreamCertificateContext.Create(shown.Leaf, [.. shown.Chain], offline: true);
        _listener = new TcpListener(endpoint);
        _listener.Start();
        _accepting = AcceptAsync();
    }

    public ConcurrentQueue<HostDelivery> Deliveries { get; } = [];

    public int Connections => Volatile.Read(ref _connections);

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Stop();
        await _accepting;
        _stop.Dispose();
    }

    async Task AcceptAsync()
    {
        List<Task> sessions = [];
        try
        {
            while (true)
            {
                var client = await _listener.AcceptTcpClientAsync(_stop.Token);
                Interlocked.Increment(ref _connections);
                sessions.Add(ServeAsync(client));
            }
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or InvalidOperationException)
        {
            // Stopped, be it between two connections.
            await Task.WhenAll(sessions);
        }
    }

    async Task ServeAsync(TcpClient client)
    {
        using var owned = client;
        try
        {
            await TalkAsync(client.GetStream());
        }
        catch (Exception e) when (e is IOException or OperationCanceledException or AuthenticationException)
        {
            // The gateway does not like this host, or the test is over.
        }
    }

    async Task TalkAsync(Stream stream)
    {
        var recipient = "";
        string? serverName = null;
        await SayAsync("220 host.test");
        while (await ReadLineAsync(stream) is { } line)
        {
            switch (line.ToUpperInvariant().Split([' ', ':'], 2)[0])
            {
                case "EHLO":
                    await SayAsync(_certificate is null ? "250 host.test" : $"250-host.test\r\n250 {(stream is SslStream ? "REQUIRETLS" : "STARTTLS")}");
                    break;
                case "STARTTLS":
                    await SayAsync("220 go ahead");
                    var tls = new SslStream(stream);
                    await tls.AuthenticateAsServerAsync(new SslServerAuthenticationOptions { ServerCertificateContext = _certificate }, _stop.Token);
                    (stream, serverName) = (tls, tls.TargetHostName);
                    break;
                case "RCPT":
                    recipient = line[(line.IndexOf('<', StringComparison.Ordinal) + 1)..line.IndexOf('>', StringComparison.Ordinal)];
                    await SayAsync("250 ok");
                    break;
                case "DATA":
                    await SayAsync("354 go ahead");
                    while (await ReadLineAsync(stream) is { } content && content != ".")
                    {
                    }

                    Deliveries.Enqueue(new HostDelivery(serverName, recipient));
                    await SayAsync("250 2.0.0 taken");
                    break;
                case "QUIT":
                    await SayAsync("221 bye");
                    return;
                default:
                    await SayAsync("250 ok");
                    break;
            }
        }

        async Task SayAsync(string reply) => await stream.WriteAsync(Encoding.ASCII.GetBytes(reply + "\r\n"), _stop.Token);
    }

    /// <summary>Octet by octet, so that nothing of a handshake is taken for text.</summary>
    async Task<string?> ReadLineAsync(Stream stream)
    {
        var line = new List<byte>();
        var octet = new byte[1];
        while (await stream.ReadAsync(octet, _stop.Token) == 1)
        {
            if (octet[0] == '\n')
            {
                return Encoding.ASCII.GetString([.. line]).TrimEnd('\r');
            }

            line.Add(octet[0]);
        }

        return null;
    }
}
