using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace Hopseal.Interop.Tests.Fixtures;

/// <param name="Lines">Without the line ends.</param>
sealed record RawReply(int Code, IReadOnlyList<string> Lines)
{
    public override string ToString() => string.Join(" / ", Lines);
}

/// <summary>An SMTP client that sends exactly the octets it is given.</summary>
sealed class RawSmtp : IAsyncDisposable
{
    readonly TcpClient _connection;
    Stream _stream;
    byte[] _buffer = new byte[16 * 1024];
    int _start;
    int _end;

    RawSmtp(TcpClient connection)
    {
        _connection = connection;
        _stream = connection.GetStream();
    }

    /// <summary>Octets that were read and not yet looked at.</summary>
    public int Buffered => _end - _start;

    public static async Task<RawSmtp> ConnectAsync(int port, CancellationToken cancel)
    {
        var connection = new TcpClient { NoDelay = true };
        try
        {
            await connection.ConnectAsync(IPAddress.Loopback, port, cancel);
            return new RawSmtp(connection);
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    /// <summary>Connects, reads the greeting and says EHLO.</summary>
    public static async Task<RawSmtp> OpenAsync(int port, CancellationToken cancel)
    {
        var client = await ConnectAsync(port, cancel);
        await client.ExpectAsync(220, cancel);
        await client.CommandAsync("EHLO client.test", 250, cancel);
        return client;
    }

    /// <summary>The same, and on inside TLS.</summary>
    public static async Task<RawSmtp> OpenTlsAsync(int port, X509Certificate2 root, string serverName, CancellationToken cancel)
    {
        var client = await OpenAsync(port, cancel);
        await client.CommandAsync("STARTTLS", 220, cancel);
        await client.HandshakeAsync(root, serverName, cancel);
        await client.CommandAsync("EHLO client.test", 250, cancel);
        return client;
    }

    public async Task HandshakeAsync(X509Certificate2 root, string serverName, CancellationToken cancel)
    {
        Assert.Equal(0, Buffered);
        var tls = new SslStream(_stream);
        var chain = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
        chain.CustomTrustStore.Add(root);
        await tls.AuthenticateAsClientAsync(new SslClientAuthenticationOptions { TargetHost = serverName, CertificateChainPolicy = chain }, cancel);
        _stream = tls;
    }

    public async Task SendAsync(string text, CancellationToken cancel) => await SendAsync(Encoding.UTF8.GetBytes(text), cancel);

    public async Task SendAsync(ReadOnlyMemory<byte> octets, CancellationToken cancel) => await _stream.WriteAsync(octets, cancel);

    public async Task<RawReply> CommandAsync(string line, CancellationToken cancel)
    {
        await SendAsync(line + "\r\n", cancel);
        return await ReadReplyAsync(cancel) ?? throw new IOException($"the connection ended instead of a reply to {line}");
    }

    public async Task<RawReply> CommandAsync(string line, int code, CancellationToken cancel)
    {
        var reply = await CommandAsync(line, cancel);
        Assert.True(reply.Code == code, $"{line}: expected {code}, got {reply}");
        return reply;
    }

    public async Task<RawReply> ExpectAsync(int code, CancellationToken cancel)
    {
        var reply = await ReadReplyAsync(cancel) ?? throw new IOException($"the connection ended instead of a {code}");
        Assert.True(reply.Code == code, $"expected {code}, got {reply}");
        return reply;
    }

    /// <summary>One transaction by DATA; <paramref name="content"/> with CRLF, its dots not yet doubled. Returns the last reply.</summary>
    public async Task<RawReply> SendMessageAsync(
        string from, IEnumerable<string> recipients, ReadOnlyMemory<byte> content, CancellationToken cancel, string parameters = "")
    {
        await CommandAsync($"MAIL FROM:<{from}>{parameters}", 250, cancel);
        foreach (var recipient in recipients)
        {
            await CommandAsync($"RCPT TO:<{recipient}>", 250, cancel);
        }

        await CommandAsync("DATA", 354, cancel);
        await SendAsync(DotStuffing.Apply(content.Span), cancel);
        return await ReadReplyAsync(cancel) ?? throw new IOException("the connection ended instead of a reply to the content");
    }

    /// <summary>Null when the connection ended before a whole reply.</summary>
    public async Task<RawReply?> ReadReplyAsync(CancellationToken cancel)
    {
        var lines = new List<string>();
        while (await ReadLineAsync(cancel) is { } line)
        {
            lines.Add(line);
            if (line.Length < 4 || line[3] != '-')
            {
                return new RawReply(int.Parse(line.AsSpan(0, 3), System.Globalization.CultureInfo.InvariantCulture), lines);
            }
        }

        return null;
    }

    /// <summary>Every line until the server closes.</summary>
    public async Task<IReadOnlyList<string>> ReadToEndAsync(CancellationToken cancel)
    {
        var lines = new List<string>();
        while (await ReadLineAsync(cancel) is { } line)
        {
            lines.Add(line);
        }

        return lines;
    }

    public async ValueTask DisposeAsync()
    {
        await _stream.DisposeAsync();
        _connection.Dispose();
    }

    async Task<string?> ReadLineAsync(CancellationToken cancel)
    {
        while (true)
        {
            var line = _buffer.AsSpan(_start.._end).IndexOf("\r\n"u8);
            if (line >= 0)
            {
                var text = Encoding.UTF8.GetString(_buffer, _start, line);
                _start += line + 2;
                return text;
            }

            _buffer.AsSpan(_start.._end).CopyTo(_buffer);
            (_start, _end) = (0, _end - _start);
            var read = await ReadSomeAsync(cancel);
            if (read == 0)
            {
                return null;
            }

            _end += read;
        }
    }

    /// <summary>A reset is an end like any other to who only asks what was said.</summary>
    async Task<int> ReadSomeAsync(CancellationToken cancel)
    {
        try
        {
            return await _stream.ReadAsync(_buffer.AsMemory(_end), cancel);
        }
        catch (IOException)
        {
            return 0;
        }
    }
}
