using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Hopseal.Dns.Tests;

/// <summary>A DNS server on loopback, UDP and TCP on one port, that says what a test tells it to.</summary>
public sealed class ScriptedDnsServer : IAsyncDisposable
{
    readonly Func<ScriptedQuery, byte[]?> _script;
    readonly Socket _udp;
    readonly Socket _tcp;
    readonly CancellationTokenSource _stop = new();
    readonly Task _running;

    /// <param name="script">Null: no reply.</param>
    public ScriptedDnsServer(Func<ScriptedQuery, byte[]?> script)
    {
        _script = script;
        (_udp, _tcp) = Bind();
        EndPoint = (IPEndPoint)_udp.LocalEndPoint!;
        _running = Task.WhenAll(RunUdpAsync(), RunTcpAsync());
    }

    public ScriptedDnsServer(Func<ScriptedQuery, DnsMessage> script)
        : this(query => script(query).Bytes())
    {
    }

    public IPEndPoint EndPoint { get; }

    public ConcurrentQueue<ScriptedQuery> Queries { get; } = [];

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _udp.Dispose();
        _tcp.Dispose();
        await _running;
        _stop.Dispose();
    }

    static (Socket Udp, Socket Tcp) Bind()
    {
        for (var attempt = 0; ; attempt++)
        {
            var udp = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
            var tcp = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            try
            {
                udp.Bind(new IPEndPoint(IPAddress.Loopback, 0));
                tcp.Bind(udp.LocalEndPoint!);
                tcp.Listen();
                return (udp, tcp);
            }
            catch (SocketException) when (attempt < 20)
            {
                udp.Dispose();
                tcp.Dispose();
            }
        }
    }

    async Task RunUdpAsync()
    {
        var buffer = new byte[4096];
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                var received = await _udp.ReceiveFromAsync(buffer, SocketFlags.None, new IPEndPoint(IPAddress.Any, 0), _stop.Token);
                if (Reply(buffer[..received.ReceivedBytes], overTcp: false) is { } reply)
                {
                    await _udp.SendToAsync(reply, SocketFlags.None, received.RemoteEndPoint, _stop.Token);
                }
            }
            catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
            {
            }
        }
    }

    async Task RunTcpAsync()
    {
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                using var client = await _tcp.AcceptAsync(_stop.Token);
                await using var stream = new NetworkStream(client);
                var length = new byte[2];
                while (true)
                {
                    await stream.ReadExactlyAsync(length, _stop.Token);
                    var question = new byte[BinaryPrimitives.ReadUInt16BigEndian(length)];
                    await stream.ReadExactlyAsync(question, _stop.Token);
                    if (Reply(question, overTcp: true) is { } reply)
                    {
                        BinaryPrimitives.WriteUInt16BigEndian(length, (ushort)reply.Length);
                        await stream.WriteAsync((byte[])[.. length, .. reply], _stop.Token);
                    }
                }
            }
            catch (Exception e) when (e is OperationCanceledException or SocketException or IOException or ObjectDisposedException)
            {
            }
        }
    }

    byte[]? Reply(byte[] bytes, bool overTcp)
    {
        var name = new StringBuilder();
        var at = 12;
        for (; bytes[at] != 0; at += bytes[at] + 1)
        {
            name.Append(Encoding.ASCII.GetString(bytes, at + 1, bytes[at])).Append('.');
        }

        var type = BinaryPrimitives.ReadUInt16BigEndian(bytes.AsSpan(at + 1));
        // The OPT record follows the question; its TTL's second half starts with DO (RFC 6891 §6.1.3).
        var dnssecOk = bytes.Length >= at + 16 && (bytes[at + 12] & 0x80) != 0;
        var query = new ScriptedQuery(BinaryPrimitives.ReadUInt16BigEndian(bytes), name.ToString().TrimEnd('.'), type, overTcp, dnssecOk, bytes);
        Queries.Enqueue(query);
        return _script(query);
    }
}
