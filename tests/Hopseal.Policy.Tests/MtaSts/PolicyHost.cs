using System.Collections.Concurrent;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace Hopseal.Policy.Tests.MtaSts;

/// <summary>A real HTTPS server on loopback that answers every request by its script.</summary>
sealed class PolicyHost : IAsyncDisposable
{
    readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    readonly CancellationTokenSource _stop = new();
    readonly Task _accepting;

    public PolicyHost(X509Certificate2 certificate)
    {
        Certificate = certificate;
        Answer = Policy("version: STSv1\nmode: enforce\nmx: mx.elsewhere.test\nmax_age: 604800\n");
        _listener.Start();
        _accepting = AcceptAsync();
    }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    /// <summary>Shown in the next handshake.</summary>
    public X509Certificate2 Certificate { get; set; }

    /// <summary>What it does with the next request.</summary>
    public Func<Stream, CancellationToken, Task> Answer { get; set; }

    /// <summary>Everything before the empty line, of each request.</summary>
    public ConcurrentQueue<string> Requests { get; } = [];

    /// <summary>The SNI name of each connection that got so far.</summary>
    public ConcurrentQueue<string> Names { get; } = [];

    /// <summary>The answer to a proper request.</summary>
    public static Func<Stream, CancellationToken, Task> Policy(string body) => Http("200 OK", "text/plain; charset=utf-8", body);

    public static Func<Stream, CancellationToken, Task> Http(string status, string? type, string body, string more = "") =>
        async (stream, cancel) => await stream.WriteAsync(Head(status, type, Encoding.UTF8.GetByteCount(body), more).Concat(Encoding.UTF8.GetBytes(body)).ToArray(), cancel);

    public static byte[] Head(string status, string? type, long length, string more = "") => Encoding.ASCII.GetBytes(
        $"HTTP/1.1 {status}\r\nContent-Length: {length}\r\n{(type is null ? "" : $"Content-Type: {type}\r\n")}{more}\r\n");

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Stop();
        await _accepting;
        _stop.Dispose();
    }

    async Task AcceptAsync()
    {
        List<Task> connections = [];
        try
        {
            while (true)
            {
                connections.Add(ServeAsync(await _listener.AcceptTcpClientAsync(_stop.Token)));
            }
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            await Task.WhenAll(connections);
        }
    }

    async Task ServeAsync(TcpClient client)
    {
        using var owned = client;
        try
        {
            await using var tls = new SslStream(client.GetStream());
            await tls.AuthenticateAsServerAsync(
                (_, hello, _, _) =>
                {
                    Names.Enqueue(hello.ServerName);
                    var context = SslStreamCertificateContext.Create(Certificate, null, offline: true);
                    return ValueTask.FromResult(new SslServerAuthenticationOptions { ServerCertificateContext = context });
                },
                state: null,
                _stop.Token);
            if (await ReadRequestAsync(tls) is { } request)
            {
                Requests.Enqueue(request);
                await Answer(tls, _stop.Token);
            }

            await tls.ShutdownAsync();
        }
        catch (Exception e) when (e is IOException or AuthenticationException or OperationCanceledException)
        {
            // The fetch went away, as some of the tests want it to.
        }
    }

    /// <returns>Null when the peer closed before it asked.</returns>
    async Task<string?> ReadRequestAsync(Stream stream)
    {
        var text = new StringBuilder();
        var buffer = new byte[1];
        while (!text.ToString().EndsWith("\r\n\r\n", StringComparison.Ordinal))
        {
            if (await stream.ReadAsync(buffer, _stop.Token) == 0)
            {
                return null;
            }

            text.Append((char)buffer[0]);
        }

        return text.ToString();
    }
}
