using Hopseal.Audit.Hello;

namespace Hopseal.Audit.Tests.Hello;

/// <summary>Octets as servers send them, made without what reads them.</summary>
static class Flights
{
    public static byte[] Record(int type, byte[] content, int version = 0x0303) =>
        [(byte)type, .. U16(version), .. U16(content.Length), .. content];

    public static byte[] Alert(int level, int description) => Record(21, [(byte)level, (byte)description]);

    public static byte[] Message(int type, byte[] body) => [(byte)type, .. U24(body.Length), .. body];

    /// <param name="extensions">Null: the hello ends behind the compression, as in SSL 3.0.</param>
    public static byte[] ServerHello(int version, int suite, byte[]? extensions = null, int compression = 0, byte[]? random = null) => Message(2,
    [
        .. U16(version), .. random ?? Enumerable.Repeat((byte)7, 32), 4, 1, 2, 3, 4, .. U16(suite), (byte)compression,
        .. extensions is null ? [] : (byte[])[.. U16(extensions.Length), .. extensions],
    ]);

    public static byte[] Extension(int type, params byte[] data) => [.. U16(type), .. U16(data.Length), .. data];

    /// <summary>Asks for a share of the group (RFC 8446 §4.1.4).</summary>
    public static byte[] RetryRequest(int suite, int group) => ServerHello(
        0x0303, suite, [.. Extension(43, 3, 4), .. Extension(51, U16(group))],
        random: Convert.FromHexString("CF21AD74E59A6111BE1D8C021E65B891C2A211167ABB8C5E079E09E2C8A8339C"));

    public static byte[] Certificates(params byte[][] chain)
    {
        byte[] list = [.. chain.SelectMany(certificate => (byte[])[.. U24(certificate.Length), .. certificate])];
        return Message(11, [.. U24(list.Length), .. list]);
    }

    public static byte[] EcdheKeyExchange(int group, int? signature) =>
        Message(12, [3, .. U16(group), 4, 9, 9, 9, 9, .. signature is { } scheme ? U16(scheme) : [], .. U16(3), 5, 5, 5]);

    public static byte[] DheKeyExchange(byte[] prime, int? signature) => Message(
        12, [.. U16(prime.Length), .. prime, 0, 1, 2, 0, 2, 3, 3, .. signature is { } scheme ? U16(scheme) : [], .. U16(3), 5, 5, 5]);

    public static byte[] Done => Message(14, []);

    /// <summary>A flight of TLS 1.2, each message in a record of its own.</summary>
    public static byte[] Tls12(int version = 0x0303) =>
    [
        .. Record(22, ServerHello(version, 0xC02F, [.. Extension(23), .. Extension(0xFF01, 0)])),
        .. Record(22, Certificates([1, 2, 3], [4, 5])),
        .. Record(22, Message(22, [1, 0, 0, 1, 0])),
        .. Record(22, EcdheKeyExchange(0x0017, version == 0x0303 ? 0x0401 : null)),
        .. Record(22, Done),
    ];

    /// <summary>The handshake octets of a flight, anew in records of the given lengths.</summary>
    public static byte[] Refragment(byte[] messages, IEnumerable<int> lengths)
    {
        var records = new List<byte>();
        using var next = lengths.GetEnumerator();
        for (var at = 0; at < messages.Length;)
        {
            var length = Math.Min(next.MoveNext() ? next.Current : 1 << 14, messages.Length - at);
            records.AddRange(Record(22, messages[at..(at + length)]));
            at += length;
        }

        return [.. records];
    }

    public static HelloAnswer Read(ReadOnlySpan<byte> octets)
    {
        var reader = new FlightReader();
        reader.Feed(octets);
        return reader.Ended();
    }

    public static byte[] U16(int value) => [(byte)(value >> 8), (byte)value];

    static byte[] U24(int value) => [(byte)(value >> 16), (byte)(value >> 8), (byte)value];
}
