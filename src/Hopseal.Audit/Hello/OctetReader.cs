namespace Hopseal.Audit.Hello;

/// <summary>Reads what a peer wrote. What is not there reads as 0 or empty and leaves <see cref="Failed"/> set, so that a caller may look
/// once, at the end.</summary>
ref struct OctetReader(ReadOnlySpan<byte> octets)
{
    ReadOnlySpan<byte> _rest = octets;

    /// <summary>More was read than there is.</summary>
    public bool Failed { get; private set; }

    public readonly bool IsEmpty => _rest.IsEmpty;

    public int Read8() => Number(1);

    public int Read16() => Number(2);

    public int Read24() => Number(3);

    public ReadOnlySpan<byte> Take(int count)
    {
        if (count > _rest.Length)
        {
            Failed = true;
            _rest = default;
            return default;
        }

        var taken = _rest[..count];
        _rest = _rest[count..];
        return taken;
    }

    int Number(int octets)
    {
        var value = 0;
        foreach (var octet in Take(octets))
        {
            value = (value << 8) | octet;
        }

        return value;
    }
}
