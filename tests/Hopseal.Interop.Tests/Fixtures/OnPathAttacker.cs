using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Hopseal.Interop.Tests.Fixtures;

/// <summary>What somebody on the path does.</summary>
public enum Attack
{
    /// <summary>He passes everything on and reads along.</summary>
    None,

    /// <summary>He takes the STARTTLS line out of the answer to EHLO.</summary>
    Strip,

    /// <summary>He makes it unreadable, as some firewalls do.</summary>
    Mask,

    /// <summary>He answers STARTTLS himself: not now.</summary>
    Refuse,

    /// <summary>He has TLS with both sides, by a certificate of his own.</summary>
    Swap,
}

/// <summary>Stands on a loopback address of his own in the way to an MX host, and keeps every octet that the sender says.</summary>
sealed class OnPathAttacker : IAsyncDisposable
{
    readonly IPEndPoint _victim;
    readonly IPEndPoint _accomplice;
    readonly TcpListener _listener;
    readonly CancellationTokenSource _stop = new();
    readonly MemoryStream _seen = new();
    readonly Task _accepting;

    /// <param name="accomplice">A host with a certificate of the attacker's: whatever comes there, he reads.</param>
    public OnPathAttacker(IPEndPoint at, IPEndPoint victim, IPEndPoint accomplice)
    {
        (_victim, _accomplice) = (victim, accomplice);
        _listener = new TcpListener(at);
        _listener.Start();
        _accepting = AcceptAsync();
    }

    public Attack Attack { get; set; }

    public string Seen
    {
        get
        {
            lock (_seen)
            {
                return Encoding.Latin1.GetString(_seen.ToArray());
            }
        }
    }

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
                sessions.Add(RelayAsync(await _listener.AcceptTcpClientAsync(_stop.Token)));
            }
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or InvalidOperationException)
        {
            // Stopped, be it between two connections.
            await Task.WhenAll(sessions);
        }
    }

    async Task RelayAsync(TcpClient accepted)
    {
        using var client = accepted;
        using var server = new TcpClient();
        try
        {
            await server.ConnectAsync(Attack is Attack.Swap ? _accomplice : _victim, _stop.Token);
            var upgraded = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            var (near, far) = (client.GetStream(), server.GetStream());
            var commands = EndAsync(PassCommandsAsync(near, far, upgraded), server);
            await Task.WhenAll(commands, EndAsync(PassRepliesAsync(far, near, upgraded.Task), client));
        }
        catch (Exception e) when (e is IOException or SocketException or OperationCanceledException or ObjectDisposedException)
        {
            // One of the two hung up, or the test is over.
        }
    }

    static async Task EndAsync(Task direction, TcpClient other)
    {
        try
        {
            await direction;
        }
        finally
        {
            other.Close();
        }
    }

    async Task PassCommandsAsync(NetworkStream client, NetworkStream server, TaskCompletionSource upgraded)
    {
        while (await ReadLineAsync(client) is { } line)
        {
            Keep(line);
            var isStartTls = Text(line).Equals("STARTTLS", StringComparison.OrdinalIgnoreCase);
            if (isStartTls && Attack is Attack.Refuse)
            {
                await client.WriteAsync("454 4.7.0 TLS not available\r\n"u8.ToArray(), _stop.Token);
                continue;
            }

            if (isStartTls)
            {
                upgraded.SetResult();
            }

            await server.WriteAsync(line, _stop.Token);
            if (isStartTls)
            {
                await PassAsync(client, server, Keep);
                return;
            }
        }
    }

    async Task PassRepliesAsync(NetworkStream server, NetworkStream client, Task upgraded)
    {
        List<string> reply = [];
        while (await ReadLineAsync(server) is { } line)
        {
            reply.Add(Text(line));
            if (reply[^1] is [_, _, _, '-', ..])
            {
                continue;
            }

            if (Attack is Attack.Strip)
            {
                reply.RemoveAll(text => text[4..] == "STARTTLS");
            }

            var said = reply.Select((text, i) => $"{text[..3]}{(i == reply.Count - 1 ? ' ' : '-')}{text[4..]}\r\n");
            var octets = string.Concat(Attack is Attack.Mask ? said.Select(text => text.Replace("STARTTLS", "XXXXXXXA", StringComparison.Ordinal)) : said);
            await client.WriteAsync(Encoding.Latin1.GetBytes(octets), _stop.Token);
            reply.Clear();
            if (upgraded.IsCompleted)
            {
                await PassAsync(server, client, _ => { });
                return;
            }
        }
    }

    async Task PassAsync(NetworkStream from, NetworkStream to, Action<byte[]> keep)
    {
        var buffer = new byte[16 * 1024];
        while (await from.ReadAsync(buffer, _stop.Token) is > 0 and var read)
        {
            keep(buffer[..read]);
            await to.WriteAsync(buffer.AsMemory(0, read), _stop.Token);
        }
    }

    void Keep(byte[] octets)
    {
        lock (_seen)
        {
            _seen.Write(octets);
        }
    }

    /// <summary>With its line end; octet by octet, so that nothing of a handshake is taken for text.</summary>
    async Task<byte[]?> ReadLineAsync(NetworkStream stream)
    {
        List<byte> line = [];
        var octet = new byte[1];
        while (await stream.ReadAsync(octet, _stop.Token) == 1)
        {
            line.Add(octet[0]);
            if (octet[0] == '\n')
            {
                return [.. line];
            }
        }

        return null;
    }

    static string Text(byte[] line) => Encoding.Latin1.GetString(line).TrimEnd('\r', '\n');
}
