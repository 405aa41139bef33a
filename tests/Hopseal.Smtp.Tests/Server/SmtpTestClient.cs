using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Text;

namespace Hopseal.Smtp.Tests.Server;

/// <summary>A scripted client: says exactly what a test writes and checks what comes back. Every wait is bounded.</summary>
sealed class SmtpTestClient : IAsyncDisposable
{
    static readonly TimeSpan s_patience = TimeSpan.FromSeconds(30);

    readonly CancellationTokenSource _patience =
        CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);

    readonly byte[] _buffer = new byte[8192];
    Stream _stream;
    int _start;
    int _end;

    SmtpTestClient(Socket socket)
    {
        Socket = socket;
        _stream = new NetworkStream(socket, ownsSocket: true);
        _patience.CancelAfter(s_patience);
    }

    public Socket Socket { get; }

    public IPEndPoint Local => (IPEndPoint)Socket.LocalEndPoint!;

    public static async Task<SmtpTestClient> ConnectAsync(IPEndPoint server)
    {
        var socket = new Socket(server.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(server, TestContext.Current.CancellationToken);
        return new SmtpTestClient(socket);
    }

    /// <summary>Connects and reads the greeting.</summary>
    public static async Task<SmtpTestClient> GreetedAsync(IPEndPoint server)
    {
        var client = await ConnectAsync(server);
        await client.ExpectAsync("220 ");
        return client;
    }

    /// <summary>As it is, one octet for each character.</summary>
    public ValueTask SendAsync(string text) => SendAsync(Encoding.Latin1.GetBytes(text));

    public ValueTask SendAsync(ReadOnlyMemory<byte> octets) => _stream.WriteAsync(octets, _patience.Token);

    /// <summary>One whole reply; its last line must begin with <paramref name="prefix"/>.</summary>
    public async Task<string> ExpectAsync(string prefix)
    {
        var reply = new StringBuilder();
        string line;
        do
        {
            line = await ReadLineAsync();
            reply.Append(line).Append('\n');
        }
        while (line.Length > 3 && line[3] == '-');

        Assert.StartsWith(prefix, line, StringComparison.Ordinal);
        return reply.ToString();
    }

    /// <summary>A line and its CRLF, and the reply to it.</summary>
    public async Task<string> SayAsync(string line, string expected)
    {
        await SendAsync(line + "\r\n");
        return await ExpectAsync(expected);
    }

    /// <summary>STARTTLS and the handshake; the certificate is not looked at.</summary>
    public async Task StartTlsAsync()
    {
        await SayAsync("STARTTLS", "220 2.0.0 ");
        await HandshakeAsync();
    }

    public async Task HandshakeAsync()
    {
        Assert.Equal(_start, _end);
        var tls = new SslStream(_stream, leaveInnerStreamOpen: false);
        await tls.AuthenticateAsClientAsync(
            new SslClientAuthenticationOptions { TargetHost = TestAuthority.ServerName, RemoteCertificateValidationCallback = (_, _, _, _) => true },
            _patience.Token);
        _stream = tls;
    }

    /// <summary>The server closed, without saying anything more.</summary>
    public async Task ExpectEndAsync() => Assert.Equal(0, await FillAsync());

    /// <summary>Everything up to the end of the connection, however it ends.</summary>
    public async Task<string> ReadToEndAsync()
    {
        var text = new StringBuilder();
        try
        {
            do
            {
                text.Append(Encoding.Latin1.GetString(_buffer, _start, _end - _start));
                _start = _end;
            }
            while (await FillAsync() > 0);
        }
        catch (IOException)
        {
            // A reset is an end too.
        }

        return text.ToString();
    }

    /// <summary>FIN, without close_notify on a TLS connection.</summary>
    public void CutOff() => Socket.Shutdown(SocketShutdown.Send);

    /// <summary>RST.</summary>
    public void Reset()
    {
        Socket.LingerState = new LingerOption(true, 0);
        Socket.Dispose();
    }

    /// <summary>close_notify on a TLS connection, then FIN.</summary>
    public async Task CloseAsync()
    {
        if (_stream is SslStream tls)
        {
            await tls.ShutdownAsync();
        }

        CutOff();
    }

    public async ValueTask DisposeAsync()
    {
        await _stream.DisposeAsync();
        _patience.Dispose();
    }

    async Task<string> ReadLineAsync()
    {
        var line = new StringBuilder();
        while (true)
        {
            while (_start < _end)
            {
                var octet = _buffer[_start++];
                if (octet == '\n')
                {
                    Assert.Equal('\r', line[^1]);
                    return line.ToString(0, line.Length - 1);
                }

                line.Append((char)octet);
            }

            if (await FillAsync() == 0)
            {
                Assert.Fail($"the server closed the connection; before that it said: {line}");
            }
        }
    }

    async Task<int> FillAsync()
    {
        if (_start < _end)
        {
            return _end - _start;
        }

        _start = 0;
        _end = await _stream.ReadAsync(_buffer, _patience.Token);
        return _end;
    }
}
