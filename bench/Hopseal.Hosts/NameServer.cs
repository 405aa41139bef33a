using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Hopseal.Hosts;

/// <summary>Answers over UDP as a validating resolver would, after a while.</summary>
sealed class NameServer(HostsOptions options, Zone zone, Tally tally)
{
    const int HeaderOctets = 12;
    const uint Ttl = 3600;
    const int NoError = 0;
    const int ServerFailure = 2;
    const int NameError = 3;

    /// <summary>OPT for the root: 1232 octets of payload, no options (RFC 6891 §6.1.2).</summary>
    static readonly byte[] s_opt = [0, 0, 41, 0x04, 0xD0, 0, 0, 0x80, 0, 0, 0];

    /// <summary>SOA of the root with nobody's name in it; five times 3600.</summary>
    static readonly byte[] s_soa = [0, 0, 6, 0, 1, 0, 0, 0x0E, 0x10, 0, 22, 0, 0, 0, 0, 0x0E, 0x10, 0, 0, 0x0E, 0x10, 0, 0, 0x0E, 0x10, 0, 0, 0x0E, 0x10, 0, 0, 0x0E, 0x10];

    public async Task RunAsync()
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        socket.ReceiveBufferSize = 4 << 20;
        socket.Bind(new IPEndPoint(IPAddress.Loopback, options.DnsPort));
        var buffer = new byte[4096];
        while (true)
        {
            var received = await socket.ReceiveFromAsync(buffer, new IPEndPoint(IPAddress.Any, 0));
            if (AnswerTo(buffer.AsSpan(0, received.ReceivedBytes)) is { } answer)
            {
                tally.Question();
                _ = SendAsync(socket, answer, received.RemoteEndPoint);
            }
        }
    }

    async Task SendAsync(Socket socket, byte[] answer, EndPoint to)
    {
        await Task.Delay(Random.Shared.Next(options.Answer, (options.Answer * 3) + 1));
        await socket.SendToAsync(answer, to);
    }

    byte[]? AnswerTo(ReadOnlySpan<byte> message)
    {
        if (!TryReadQuestion(message, out var name, out var type, out var end))
        {
            return null;
        }

        var code = zone.IsBroken(name) ? ServerFailure : zone.Exists(name) ? NoError : NameError;
        var records = code == NoError ? zone.Find(name, type) : [];
        var answer = new MemoryStream();
        answer.Write(message[..2]);

        // QR, RD; RA and, for what is signed, AD.
        answer.Write([0x81, (byte)(0x80 | (code != ServerFailure && zone.IsSigned(name) ? 0x20 : 0) | code)]);
        WriteNumber(answer, 1);
        WriteNumber(answer, records.Count);
        WriteNumber(answer, code == ServerFailure || records.Count > 0 ? 0 : 1);
        WriteNumber(answer, 1);
        answer.Write(message[HeaderOctets..end]);
        foreach (var data in records)
        {
            // The name of the question, by a pointer.
            answer.Write([0xC0, HeaderOctets]);
            WriteNumber(answer, type);
            WriteNumber(answer, 1);
            WriteNumber(answer, (int)(Ttl >> 16));
            WriteNumber(answer, (int)(Ttl & 0xFFFF));
            WriteNumber(answer, data.Length);
            answer.Write(data);
        }

        answer.Write(code == ServerFailure || records.Count > 0 ? [] : s_soa);
        answer.Write(s_opt);
        return answer.ToArray();
    }

    static bool TryReadQuestion(ReadOnlySpan<byte> message, out string name, out int type, out int end)
    {
        (name, type, end) = ("", 0, HeaderOctets);
        var labels = new List<string>();
        while (end < message.Length && message[end] is > 0 and < 64 and var length && end + 1 + length < message.Length)
        {
            labels.Add(Encoding.ASCII.GetString(message.Slice(end + 1, length)));
            end += 1 + length;
        }

        if (end + 5 > message.Length || message[end] != 0)
        {
            return false;
        }

        name = string.Join('.', labels);
        type = BinaryPrimitives.ReadUInt16BigEndian(message[(end + 1)..]);
        end += 5;
        return true;
    }

    static void WriteNumber(MemoryStream answer, int number) => answer.Write([(byte)(number >> 8), (byte)number]);
}
