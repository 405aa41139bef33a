using System.Buffers.Binary;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Hopseal.Smtp.Server;

/// <summary>What a PROXY header said.</summary>
public abstract record ProxyHeader
{
    ProxyHeader()
    {
    }

    /// <summary>The proxy speaks for a client.</summary>
    public sealed record Client(IPEndPoint Source, IPEndPoint Destination) : ProxyHeader;

    /// <summary>LOCAL or UNKNOWN: the proxy speaks for itself, or does not know for whom.</summary>
    public sealed record Unnamed : ProxyHeader;

    /// <summary>There was none, or it was broken. The connection is of no use.</summary>
    public sealed record Bad(string Why) : ProxyHeader;

    /// <summary>Reads the header in version 1 or 2 of HAProxy's "The PROXY protocol" and not one octet beyond it: the next one
    /// may be the first of a TLS handshake.</summary>
    /// <exception cref="SocketException">The connection broke.</exception>
    /// <exception cref="OperationCanceledException">The header did not come in time.</exception>
    public static async ValueTask<ProxyHeader> ReadAsync(Socket socket, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(socket);
        var buffer = new byte[MaxBinaryOctets];

        // No header of either version is shorter than this.
        if (!await ReadExactlyAsync(socket, buffer.AsMemory(0, SignatureOctets), cancel))
        {
            return s_cutOff;
        }

        return buffer.AsSpan(0, SignatureOctets) switch
        {
            var start when start.SequenceEqual(Signature) => await ReadBinaryAsync(socket, buffer, cancel),
            var start when start.StartsWith("PROXY "u8) => await ReadTextAsync(socket, buffer, cancel),
            _ => new Bad("there is no PROXY header"),
        };
    }

    const int SignatureOctets = 12;
    const int MaxTextOctets = 107;
    const int BinaryPrefixOctets = 16;
    const int MaxBinaryOctets = BinaryPrefixOctets + 2048;

    static ReadOnlySpan<byte> Signature => "\r\n\r\n\0\r\nQUIT\n"u8;

    static readonly Bad s_cutOff = new("the PROXY header was cut off");
    static readonly Unnamed s_unnamed = new();

    static async ValueTask<ProxyHeader> ReadTextAsync(Socket socket, byte[] buffer, CancellationToken cancel)
    {
        var length = SignatureOctets;
        while (!buffer.AsSpan(0, length).EndsWith("\r\n"u8))
        {
            if (length == MaxTextOctets)
            {
                return new Bad("the PROXY header has no end");
            }

            // Looks first and takes then, so that nothing behind the line break is taken.
            var seen = await socket.ReceiveAsync(buffer.AsMemory(length, MaxTextOctets - length), SocketFlags.Peek, cancel);
            if (seen == 0)
            {
                return s_cutOff;
            }

            var lineFeed = buffer.AsSpan(length, seen).IndexOf((byte)'\n');
            var taken = lineFeed < 0 ? seen : lineFeed + 1;
            if (!await ReadExactlyAsync(socket, buffer.AsMemory(length, taken), cancel))
            {
                return s_cutOff;
            }

            length += taken;
            if (lineFeed >= 0 && buffer[length - 2] != '\r')
            {
                return new Bad("the PROXY header holds a bare LF");
            }
        }

        return ParseText(Encoding.Latin1.GetString(buffer, 0, length - 2));
    }

    internal static ProxyHeader ParseText(string line)
    {
        var words = line.Split(' ');
        if (words is ["PROXY", "UNKNOWN", ..])
        {
            return s_unnamed;
        }

        return words is ["PROXY", "TCP4" or "TCP6", _, _, _, _]
            && (words[1] == "TCP4" ? AddressFamily.InterNetwork : AddressFamily.InterNetworkV6) is var family
            && TryAddress(words[2], family, out var source) && TryAddress(words[3], family, out var destination)
            && TryPort(words[4], out var sourcePort) && TryPort(words[5], out var destinationPort)
            ? new Client(new IPEndPoint(source, sourcePort), new IPEndPoint(destination, destinationPort))
            : new Bad("the PROXY header is malformed");
    }

    static async ValueTask<ProxyHeader> ReadBinaryAsync(Socket socket, byte[] buffer, CancellationToken cancel)
    {
        if (!await ReadExactlyAsync(socket, buffer.AsMemory(SignatureOctets, BinaryPrefixOctets - SignatureOctets), cancel))
        {
            return s_cutOff;
        }

        var length = BinaryPrimitives.ReadUInt16BigEndian(buffer.AsSpan(14));
        if (length > MaxBinaryOctets - BinaryPrefixOctets)
        {
            return new Bad($"the PROXY header is {length} octets long");
        }

        return await ReadExactlyAsync(socket, buffer.AsMemory(BinaryPrefixOctets, length), cancel)
            ? ParseBinary(buffer[12], buffer[13], buffer.AsSpan(BinaryPrefixOctets, length))
            : s_cutOff;
    }

    /// <param name="versionAndCommand">0x20 LOCAL, 0x21 PROXY.</param>
    /// <param name="family">0x11 TCP over IPv4, 0x21 TCP over IPv6, 0x00 not said.</param>
    /// <param name="body">Addresses, then extensions that are not looked at.</param>
    internal static ProxyHeader ParseBinary(byte versionAndCommand, byte family, ReadOnlySpan<byte> body) => (versionAndCommand, family) switch
    {
        (0x20, _) or (0x21, 0x00) => s_unnamed,
        (0x21, 0x11) when body.Length >= 12 => new Client(
            new IPEndPoint(new IPAddress(body[..4]), BinaryPrimitives.ReadUInt16BigEndian(body[8..])),
            new IPEndPoint(new IPAddress(body[4..8]), BinaryPrimitives.ReadUInt16BigEndian(body[10..]))),
        (0x21, 0x21) when body.Length >= 36 => new Client(
            new IPEndPoint(new IPAddress(body[..16]), BinaryPrimitives.ReadUInt16BigEndian(body[32..])),
            new IPEndPoint(new IPAddress(body[16..32]), BinaryPrimitives.ReadUInt16BigEndian(body[34..]))),
        _ => new Bad("the PROXY header is malformed"),
    };

    static async ValueTask<bool> ReadExactlyAsync(Socket socket, Memory<byte> buffer, CancellationToken cancel)
    {
        while (!buffer.IsEmpty)
        {
            var read = await socket.ReceiveAsync(buffer, SocketFlags.None, cancel);
            if (read == 0)
            {
                return false;
            }

            buffer = buffer[read..];
        }

        return true;
    }

    /// <summary>In the canonical form only, which the specification asks for: the runtime's parser takes many others.</summary>
    static bool TryAddress(string text, AddressFamily family, out IPAddress address) =>
        IPAddress.TryParse(text, out address!) && address.AddressFamily == family
        && (family is AddressFamily.InterNetworkV6 ? !text.Contains('%', StringComparison.Ordinal) && text[0] != '[' : address.ToString() == text);

    static bool TryPort(string text, out ushort port) =>
        ushort.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out port) && (text.Length == 1 || text[0] != '0');
}
