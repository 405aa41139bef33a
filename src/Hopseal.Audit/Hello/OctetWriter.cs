using System.Buffers;
using System.Collections.Immutable;

namespace Hopseal.Audit.Hello;

/// <summary>Writes what TLS writes: numbers with the highest octet first, and vectors with their length before them (RFC 8446 §3).</summary>
sealed class OctetWriter
{
    readonly ArrayBufferWriter<byte> _octets = new();

    public void Write(ReadOnlySpan<byte> octets) => _octets.Write(octets);

    public void Write8(int value) => _octets.Write([(byte)value]);

    public void Write16(int value) => _octets.Write([(byte)(value >> 8), (byte)value]);

    public void Write24(int value) => _octets.Write([(byte)(value >> 16), (byte)(value >> 8), (byte)value]);

    public void Write16All(ImmutableArray<int> values)
    {
        foreach (var value in values)
        {
            Write16(value);
        }
    }

    /// <summary>Numbers of two octets, with their length in two octets before them.</summary>
    public void Vector16(ImmutableArray<int> values)
    {
        Write16(values.Length * 2);
        Write16All(values);
    }

    public void Extension(int type, Action<OctetWriter> data)
    {
        var inner = new OctetWriter();
        data(inner);
        Write16(type);
        Write16(inner._octets.WrittenCount);
        Write(inner._octets.WrittenSpan);
    }

    public byte[] ToArray() => _octets.WrittenSpan.ToArray();
}
