using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Hopseal.Reports.Evidence;

/// <summary>One entry of the ledger, named by its place and its hash.</summary>
/// <param name="Seq">From 1.</param>
/// <param name="Hash">SHA-256 of the entry's line without its LF, lower-case hex.</param>
public sealed record LedgerPoint(long Seq, string Hash)
{
    internal const int HashOctets = 32;

    /// <summary>What the first entry ever names as the one before it.</summary>
    public static LedgerPoint Beginning { get; } = new(0, new string('0', 2 * HashOctets));

    internal bool Is(long seq, ReadOnlySpan<byte> hash) => seq == Seq && Hash == Convert.ToHexStringLower(hash);

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Seq} {Hash}");
}

/// <summary>What stands in <c>head.json</c> and <c>anchor.json</c>: a point, and when it was written down. There is one way to write it, so that any
/// changed octet is seen.</summary>
sealed record PointFile(LedgerPoint Point, DateTimeOffset At)
{
    const int MostOctets = 512;

    public byte[] Write() => Encoding.ASCII.GetBytes(string.Create(
        CultureInfo.InvariantCulture, $"{{\"seq\":{Point.Seq},\"hash\":\"{Point.Hash}\",\"time\":\"{EntryTime.Write(At)}\"}}\n"));

    /// <summary>Null when there is no such file.</summary>
    /// <exception cref="InvalidDataException">It is not as <see cref="Write"/> makes it.</exception>
    /// <exception cref="IOException">It cannot be read.</exception>
    public static PointFile? Read(string file)
    {
        var buffer = new byte[MostOctets];
        int length;
        try
        {
            using var stream = File.OpenRead(file);
            length = stream.ReadAtLeast(buffer, buffer.Length, throwOnEndOfStream: false);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }

        return Parse(buffer.AsSpan(0, length)) is { } read && buffer.AsSpan(0, length).SequenceEqual(read.Write())
            ? read
            : throw new InvalidDataException($"{Path.GetFileName(file)} is not as it was written");
    }

    static PointFile? Parse(ReadOnlySpan<byte> octets)
    {
        try
        {
            var json = new Utf8JsonReader(octets);
            var root = JsonElement.ParseValue(ref json);
            return root.GetProperty("seq").TryGetInt64(out var seq)
                && root.GetProperty("hash").GetString() is { Length: 2 * LedgerPoint.HashOctets } hash
                && EntryTime.TryParse(root.GetProperty("time").GetString(), out var at)
                    ? new PointFile(new LedgerPoint(seq, hash), at)
                    : null;
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException)
        {
            return null;
        }
    }
}
