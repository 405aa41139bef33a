using System.Buffers.Text;
using System.Security.Cryptography;

namespace Hopseal.Reports.Evidence;

/// <summary>What every entry has, at places that do not change: its number and its time first, the hash of the entry before it last.
/// <c>{"seq":17,"time":"2026-12-01T09:30:00.000Z","kind":"out",…,"prev":"…"}</c></summary>
/// <remarks>Holds no memory of its own: valid as long as the line is.</remarks>
readonly ref struct EntryFrame
{
    /// <summary>Octets of a line, at most; the writer stays far below.</summary>
    public const int MostOctets = 256 * 1024;

    static ReadOnlySpan<byte> SeqPart => "{\"seq\":"u8;

    static ReadOnlySpan<byte> TimePart => ",\"time\":\""u8;

    static ReadOnlySpan<byte> KindPart => "\",\"kind\":\""u8;

    static ReadOnlySpan<byte> PrevPart => ",\"prev\":\""u8;

    public long Seq { get; private init; }

    /// <summary>As <see cref="EntryTime"/> writes it.</summary>
    public ReadOnlySpan<byte> Time { get; private init; }

    public ReadOnlySpan<byte> Kind { get; private init; }

    /// <summary>Lower-case hex.</summary>
    public ReadOnlySpan<byte> Prev { get; private init; }

    /// <param name="line">Without its LF.</param>
    public static bool TryParse(ReadOnlySpan<byte> line, out EntryFrame frame)
    {
        const int HexOctets = 2 * LedgerPoint.HashOctets;
        frame = default;
        var tail = PrevPart.Length + HexOctets + 2;
        if (!line.StartsWith(SeqPart) || line.Length < tail || !line.EndsWith("\"}"u8))
        {
            return false;
        }

        var end = line[^tail..];
        if (!end.StartsWith(PrevPart)
            || !Utf8Parser.TryParse(line[SeqPart.Length..], out long seq, out var digits)
            || seq <= 0
            || line[SeqPart.Length] is (byte)'0' or (byte)'+')
        {
            return false;
        }

        var rest = line[(SeqPart.Length + digits)..];
        if (!rest.StartsWith(TimePart) || rest.Length < TimePart.Length + EntryTime.Length + KindPart.Length)
        {
            return false;
        }

        var time = rest.Slice(TimePart.Length, EntryTime.Length);
        rest = rest[(TimePart.Length + EntryTime.Length)..];
        if (!rest.StartsWith(KindPart))
        {
            return false;
        }

        rest = rest[KindPart.Length..];
        var kind = rest.IndexOf((byte)'"');
        frame = new EntryFrame { Seq = seq, Time = time, Kind = rest[..Math.Max(kind, 0)], Prev = end.Slice(PrevPart.Length, HexOctets) };
        return kind > 0;
    }

    /// <summary>SHA-256 of a line.</summary>
    /// <param name="hash">32 octets.</param>
    public static void Hash(ReadOnlySpan<byte> line, Span<byte> hash) => SHA256.HashData(line, hash);
}
