using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;

namespace Hopseal.Relay.Tests.Attempt;

/// <summary>The places in a session where a server can do something wrong.</summary>
public enum Place
{
    Greeting,
    Ehlo,
    StartTls,

    /// <summary>Instead of the server's part of it.</summary>
    Handshake,
    EhloInTls,
    Auth,
    Mail,
    FirstRcpt,
    SecondRcpt,
    Data,

    /// <summary>When some of the content has been read; no more of it is.</summary>
    Content,

    /// <summary>In place of the reply to the whole message.</summary>
    Dot,
    Quit,
}

/// <summary>An SMTP server on loopback that takes everything, and at one place does what it should not: says something, or one of the
/// acts below.</summary>
sealed class HostilePeer : IAsyncDisposable
{
    public const string Close = "(close)";
    public const string Reset = "(reset)";

    /// <summary>FIN; inside TLS, without close_notify.</summary>
    public const string Cut = "(cut)";
    public const string EndlessReply = "(endless reply)";
    public const string EndlessLine = "(endless line)";

    /// <summary>Says nothing more; see <see cref="Stalled"/>.</summary>
    public const string Stall = "(stall)";

    /// <summary>A reply, octet by octet, one with each <see cref="Drip"/>; it never ends.</summary>
    public const string SlowReply = "(slow reply)";

    readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    readonly CancellationTokenSource _stop = new();
    readonly TaskCompletionSource _stalled = new(TaskCreationOptions.RunContinuationsAsynchronously);
    readonly SemaphoreSlim _drops = new(0);
    readonly Task _accepting;

    public HostilePeer(Place place, string act, string[] extensions, X509Certificate2? certificate)
    {
        (Place, Act, Extensions, Certificate) = (place, act, extensions, certificate);
        _listener.Start();
        Port = ((IPEndPoint)_listener.LocalEndpoint).Port;
        _accepting = AcceptAsync();
    }

    public Place Place { get; }

    public string Act { get; }

    public string[] Extensions { get; }

    /// <summary>Null: no STARTTLS.</summary>
    public X509Certificate2? Certificate { get; }

    public int Port { get; }

    /// <summary>The place of a <see cref="Stall"/> or <see cref="SlowReply"/> is reached.</summary>
    public Task Stalled => _stalled.Task;

    public void Drip() => _drops.Release();

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Stop();
        await _accepting;
        _stop.Dispose();
        _drops.Dispose();
    }

    public void Reached() => _stalled.TrySetResult();

    public Task NextDropAsync(CancellationToken stop) => _drops.WaitAsync(stop);

    async Task RunAsync(Socket socket)
    {
        try
        {
            socket.NoDelay = true; // small writes without a pause between them
            await new HostileSession(this, socket, new NetworkStream(socket, ownsSocket: true)).RunAsync(_stop.Token);
        }
        catch (Exception e) when (e is IOException or SocketException or ObjectDisposedException or OperationCanceledException
            or InvalidOperationException or System.Security.Authentication.AuthenticationException)
        {
            // The client hung up, or the test is over.
        }
        finally
        {
            socket.Dispose();
        }
    }

    async Task AcceptAsync()
    {
        List<Task> sessions = [];
        try
        {
            while (true)
            {
                var socket = await _listener.AcceptSocketAsync(_stop.Token);
                sessions.Add(RunAsync(socket));
            }
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException or InvalidOperationException)
        {
            // Stopped, be it between two connections.
            await Task.WhenAll(sessions);
        }
    }
}

sealed class HostileSession(HostilePeer peer, Socket socket, Stream plain)
{
    const int SomeOctets = 100;

    Stream _stream = plain;
    bool _isTls;
    int _recipients;

    public async Task RunAsync(CancellationToken stop)
    {
        try
        {
            var goesOn = await ReactAsync(Place.Greeting, "220 hostile.test", stop);
            while (goesOn && await ReadLineAsync(stop) is { } line)
            {
                goesOn = await AnswerAsync(line, stop);
            }
        }
        finally
        {
            await _stream.DisposeAsync();
        }
    }

    async ValueTask<bool> AnswerAsync(string line, CancellationToken stop)
    {
        switch (line.Split(' ')[0])
        {
            case "EHLO":
            case "HELO":
                string[] offered = ["hostile.test", .. peer.Extensions, .. peer.Certificate is not null && !_isTls ? ["STARTTLS"] : (string[])[]];
                var hello = string.Join("\r\n", offered.Select((text, i) => $"250{(i == offered.Length - 1 ? ' ' : '-')}{text}"));
                return await ReactAsync(_isTls ? Place.EhloInTls : Place.Ehlo, hello, stop);
            case "STARTTLS":
                return await ReactAsync(Place.StartTls, "220 go ahead", stop) && (peer.Place == Place.StartTls || await HandshakeAsync(stop));
            case "AUTH":
                return await ReactAsync(Place.Auth, "235 2.7.0 welcome", stop);
            case "MAIL":
                _recipients = 0;
                return await ReactAsync(Place.Mail, "250 ok", stop);
            case "RCPT":
                return await ReactAsync(++_recipients == 1 ? Place.FirstRcpt : Place.SecondRcpt, "250 ok", stop);
            case "DATA":
                return await ReactAsync(Place.Data, "354 go on", stop)
                    && (IsHostile(Place.Data) || await ReadContentAsync(octets: null, stop));
            case "BDAT":
                return await ReadContentAsync(int.Parse(line.Split(' ')[1], null), stop);
            case "*":
                return await SayAsync("501 5.7.0 as you like", stop);
            case "QUIT":
                return await ReactAsync(Place.Quit, "221 bye", stop) && IsHostile(Place.Quit);
            default:
                return await SayAsync("250 ok", stop);
        }
    }

    /// <summary>Whether something else is said at this place than what belongs there.</summary>
    bool IsHostile(Place place) => peer.Place == place && !(place == Place.Data && peer.Act.StartsWith("354", StringComparison.Ordinal));

    async ValueTask<bool> HandshakeAsync(CancellationToken stop)
    {
        if (peer.Place == Place.Handshake)
        {
            return await ActAsync(stop);
        }

        var tls = new SslStream(_stream);
        _stream = tls;
        await tls.AuthenticateAsServerAsync(new SslServerAuthenticationOptions { ServerCertificate = peer.Certificate }, stop);
        _isTls = true;
        return true;
    }

    /// <param name="octets">Of a chunk; null: to the line with the dot.</param>
    async ValueTask<bool> ReadContentAsync(int? octets, CancellationToken stop)
    {
        if (peer.Place == Place.Content)
        {
            await _stream.ReadExactlyAsync(new byte[Math.Min(SomeOctets, octets ?? SomeOctets)], stop);
            if (await ActAsync(stop))
            {
                await Task.Delay(Timeout.InfiniteTimeSpan, stop);
            }

            return false;
        }

        if (octets is { } count)
        {
            await _stream.ReadExactlyAsync(new byte[count], stop);
        }
        else
        {
            while (await ReadLineAsync(stop) is { } line && line != ".")
            {
                // Nobody reads it.
            }
        }

        return await ReactAsync(Place.Dot, "250 2.0.0 taken", stop);
    }

    ValueTask<bool> ReactAsync(Place place, string reply, CancellationToken stop) =>
        place == peer.Place ? ActAsync(stop) : SayAsync(reply, stop);

    /// <returns>Whether the connection goes on.</returns>
    async ValueTask<bool> ActAsync(CancellationToken stop)
    {
        switch (peer.Act)
        {
            case HostilePeer.Close:
                return false;
            case HostilePeer.Reset:
                socket.LingerState = new LingerOption(true, 0);
                socket.Close();
                return false;
            case HostilePeer.Cut:
                socket.Shutdown(SocketShutdown.Send);
                await Task.Delay(Timeout.InfiniteTimeSpan, stop);
                return false;
            case HostilePeer.EndlessReply:
                while (await SayAsync("250-and so on", stop))
                {
                    // Until the client hangs up.
                }

                return false;
            case HostilePeer.EndlessLine:
                while (true)
                {
                    await _stream.WriteAsync(new byte[1000].Select(_ => (byte)'2').ToArray(), stop);
                }

            case HostilePeer.Stall:
                peer.Reached();
                await Task.Delay(Timeout.InfiniteTimeSpan, stop);
                return false;
            case HostilePeer.SlowReply:
                peer.Reached();
                for (var i = 0; ; i++)
                {
                    await peer.NextDropAsync(stop);
                    await _stream.WriteAsync(new[] { (byte)(i < 3 ? '2' : i == 3 ? ' ' : 'x') }, stop);
                }

            default:
                await SayAsync(peer.Act, stop);
                return !peer.Act.StartsWith("421", StringComparison.Ordinal);
        }
    }

    async ValueTask<bool> SayAsync(string reply, CancellationToken stop)
    {
        await _stream.SayAsync(reply, stop);
        return true;
    }

    ValueTask<string?> ReadLineAsync(CancellationToken stop) => _stream.ReadLineAsync(stop);
}
