using System.Collections.Concurrent;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;

namespace Hopseal.Interop.Tests.Fixtures;

/// <param name="At">When its connection began, in the numbers of the server's <c>sequence</c>: a connection belongs to one life of the
/// gateway, while octets may be read after the death of who sent them.</param>
/// <param name="Answered">Whether its 250 was handed to the network.</param>
sealed record Taken(int Number, long At, bool Answered);

/// <summary>A next hop in this process. It demands STARTTLS, takes every message, asks <c>identify</c> which one it is, and remembers
/// when. What it took before a connection broke counts, as it does for a real one.</summary>
sealed class RecordingServer : IAsyncDisposable
{
    static readonly byte[] s_end = "\r\n.\r\n"u8.ToArray();

    readonly TcpListener _listener;
    readonly SslStreamCertificateContext _certificate;
    readonly Func<ReadOnlySpan<byte>, int> _identify;
    readonly Func<long> _sequence;
    readonly CancellationTokenSource _stop = new();
    readonly Task _accepting;
    readonly TaskCompletionSource _open = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <param name="identify">The number of a message by its content, as it was sent with DATA; throws when it is damaged.</param>
    /// <param name="sequence">Counts up.</param>
    public RecordingServer(int port, CertificatePaths certificate, Func<ReadOnlySpan<byte>, int> identify, Func<long> sequence)
    {
        using var pem = X509Certificate2.CreateFromPemFile(certificate.Chain, certificate.Key);
        _certificate = SslStreamCertificateContext.Create(
            X509CertificateLoader.LoadPkcs12(pem.Export(X509ContentType.Pkcs12), null), null, offline: true);
        _identify = identify;
        _sequence = sequence;
        _listener = new TcpListener(IPAddress.Loopback, port);
        _listener.Start(512);
        _accepting = AcceptAsync();
    }

    public ConcurrentQueue<Taken> Taken { get; } = [];

    /// <summary>Contents that were not as sent.</summary>
    public ConcurrentQueue<string> Damaged { get; } = [];

    /// <summary>Until then it greets nobody.</summary>
    public void Open() => _open.TrySetResult();

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
            await _open.Task.WaitAsync(_stop.Token);
            await TalkAsync(client.GetStream());
        }
        catch (Exception e) when (e is IOException or OperationCanceledException or AuthenticationException)
        {
            // The gateway was killed, or the test is over.
        }
    }

    async Task TalkAsync(Stream stream)
    {
        var at = _sequence();
        var input = new Input(stream);
        await SayAsync("220 next.test");
        while (await input.ToAsync("\r\n"u8.ToArray(), _stop.Token) is { } line)
        {
            var command = System.Text.Encoding.ASCII.GetString(line).ToUpperInvariant();
            switch (command.Split(' ', 2)[0])
            {
                case "EHLO" when input.Stream is SslStream:
                    await SayAsync("250-next.test\r\n250-PIPELINING\r\n250 8BITMIME");
                    break;
                case "EHLO":
                    await SayAsync("250-next.test\r\n250 STARTTLS");
                    break;
                case "STARTTLS":
                    await SayAsync("220 go ahead");
                    var tls = new SslStream(input.Stream);
                    await tls.AuthenticateAsServerAsync(new SslServerAuthenticationOptions { ServerCertificateContext = _certificate }, _stop.Token);
                    input = new Input(tls);
                    break;
                case "MAIL" when input.Stream is not SslStream:
                    await SayAsync("530 5.7.0 STARTTLS first");
                    break;
                case "DATA":
                    await SayAsync("354 go ahead");
                    if (await input.ToAsync(s_end, _stop.Token) is not { } content)
                    {
                        return;
                    }

                    await TakeAsync(content);
                    break;
                case "QUIT":
                    await SayAsync("221 bye");
                    return;
                default:
                    await SayAsync("250 ok");
                    break;
            }
        }

        async Task SayAsync(string reply) => await input.Stream.WriteAsync(System.Text.Encoding.ASCII.GetBytes(reply + "\r\n"), _stop.Token);

        async Task TakeAsync(byte[] content)
        {
            var answered = false;
            try
            {
                // As a server that scans and stores takes its time: here a kill may come.
                await Task.Delay(TimeSpan.FromMilliseconds(Random.Shared.Next(20)), TimeProvider.System, _stop.Token);
                await SayAsync("250 2.0.0 taken");
                answered = true;
            }
            finally
            {
                Note(content, at, answered);
            }
        }
    }

    void Note(byte[] content, long at, bool answered)
    {
        try
        {
            Taken.Enqueue(new Taken(_identify(content), at, answered));
        }
        catch (Exception e) when (e is FormatException)
        {
            Damaged.Enqueue(e.Message);
        }
    }

    /// <summary>Octets up to a mark.</summary>
    sealed class Input(Stream stream)
    {
        byte[] _buffer = new byte[64 * 1024];
        int _length;

        public Stream Stream => stream;

        /// <summary>Without the mark; null at the end of the connection.</summary>
        public async Task<byte[]?> ToAsync(byte[] mark, CancellationToken cancel)
        {
            var looked = 0;
            while (true)
            {
                var end = _buffer.AsSpan(looked.._length).IndexOf(mark);
                if (end >= 0)
                {
                    var found = _buffer[..(looked + end)];
                    var rest = looked + end + mark.Length;
                    _buffer.AsSpan(rest.._length).CopyTo(_buffer);
                    _length -= rest;
                    return found;
                }

                looked = Math.Max(0, _length - mark.Length + 1);
                if (_length == _buffer.Length)
                {
                    Array.Resize(ref _buffer, _length * 2);
                }

                var read = await stream.ReadAsync(_buffer.AsMemory(_length), cancel);
                if (read == 0)
                {
                    return null;
                }

                _length += read;
            }
        }
    }
}
