using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Text;

namespace Hopseal.Load;

/// <summary>One connection, in plaintext or inside TLS, read line by line.</summary>
sealed class Line(Socket socket) : IAsyncDisposable
{
    Stream _stream = new NetworkStream(socket, ownsSocket: true);
    byte[] _buffer = new byte[4096];
    int _start;
    int _end;

    public static async ValueTask<Line> ConnectAsync(IPAddress from, int port, CancellationToken cancel)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            socket.Bind(new IPEndPoint(from, 0));
            await socket.ConnectAsync(new IPEndPoint(IPAddress.Loopback, port), cancel);
            return new Line(socket);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    public async ValueTask SecureAsClientAsync(SslProtocols protocols, CancellationToken cancel)
    {
        var tls = new SslStream(_stream);
        await tls.AuthenticateAsClientAsync(
            new SslClientAuthenticationOptions
            {
                TargetHost = "mx.example.test",
                EnabledSslProtocols = protocols,
                AllowTlsResume = false,
#pragma warning disable CA5359 // a load generator asks for nobody's identity
                RemoteCertificateValidationCallback = (_, _, _, _) => true,
#pragma warning restore CA5359
            },
            cancel);
        _stream = tls;
    }

    public async ValueTask SecureAsServerAsync(SslStreamCertificateContext certificate, CancellationToken cancel)
    {
        var tls = new SslStream(_stream);
        await tls.AuthenticateAsServerAsync(new SslServerAuthenticationOptions { ServerCertificateContext = certificate }, cancel);
        _stream = tls;
    }

    public ValueTask WriteAsync(ReadOnlyMemory<byte> octets, CancellationToken cancel) => _stream.WriteAsync(octets, cancel);

    /// <summary>Reads a whole reply.</summary>
    /// <exception cref="IOException">It begins with another digit, or the connection ended.</exception>
    public async ValueTask ExpectAsync(char digit, CancellationToken cancel)
    {
        while (true)
        {
            var line = await ReadLineAsync(cancel) ?? throw new IOException("the connection ended");
            if (line.Span[0] != digit)
            {
                throw new IOException(Encoding.ASCII.GetString(line.Span).TrimEnd());
            }

            if (line.Length < 4 || line.Span[3] != '-')
            {
                return;
            }
        }
    }

    /// <summary>With its end, valid until the next read; null at the end of the connection.</summary>
    public async ValueTask<ReadOnlyMemory<byte>?> ReadLineAsync(CancellationToken cancel)
    {
        while (true)
        {
            var end = _buffer.AsSpan(_start.._end).IndexOf((byte)'\n');
            if (end >= 0)
            {
                var line = _buffer.AsMemory(_start, end + 1);
                _start += end + 1;
                return line;
            }

            if (!await FillAsync(cancel))
            {
                return null;
            }
        }
    }

    /// <summary>Throws content away up to the line with the dot. False at the end of the connection.</summary>
    public async ValueTask<bool> SkipContentAsync(CancellationToken cancel)
    {
        // What was sent stands at the start of a line: an empty message is the dot alone.
        if (_buffer.Length < 65536)
        {
            Array.Resize(ref _buffer, 65536);
        }

        while (_end - _start < 3)
        {
            if (!await FillAsync(cancel))
            {
                return false;
            }
        }

        if (_buffer.AsSpan(_start, 3).SequenceEqual(".\r\n"u8))
        {
            _start += 3;
            return true;
        }

        while (true)
        {
            var end = _buffer.AsSpan(_start.._end).IndexOf("\r\n.\r\n"u8);
            if (end >= 0)
            {
                _start += end + 5;
                return true;
            }

            _start = Math.Max(_start, _end - 4);
            if (!await FillAsync(cancel))
            {
                return false;
            }
        }
    }

    public ValueTask DisposeAsync() => _stream.DisposeAsync();

    async ValueTask<bool> FillAsync(CancellationToken cancel)
    {
        _buffer.AsSpan(_start.._end).CopyTo(_buffer);
        (_start, _end) = (0, _end - _start);
        if (_end == _buffer.Length)
        {
            throw new IOException("the line is too long");
        }

        var read = await _stream.ReadAsync(_buffer.AsMemory(_end), cancel);
        _end += read;
        return read > 0;
    }
}
