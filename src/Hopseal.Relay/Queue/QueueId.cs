using System.Buffers;
using System.Buffers.Binary;
using System.Security.Cryptography;

namespace Hopseal.Relay.Queue;

/// <summary>A message's name in the queue, the logs and the Received header: 26 characters of Crockford's base 32, in the
/// order of arrival to the millisecond (48 bits of time, 80 of chance), unique over machines.</summary>
public readonly record struct QueueId(string Text)
{
    const int Length = 26;
    const string Alphabet = "0123456789abcdefghjkmnpqrstvwxyz";
    static readonly SearchValues<char> s_characters = SearchValues.Create(Alphabet);

    public static QueueId Next(TimeProvider clock)
    {
        ArgumentNullException.ThrowIfNull(clock);
        Span<byte> octets = stackalloc byte[16];
        BinaryPrimitives.WriteInt64BigEndian(octets, clock.GetUtcNow().ToUnixTimeMilliseconds() << 16);
        RandomNumberGenerator.Fill(octets[6..]);
        return new QueueId(string.Create(Length, BinaryPrimitives.ReadUInt128BigEndian(octets), static (text, bits) =>
        {
            for (var i = text.Length - 1; i >= 0; i--)
            {
                text[i] = Alphabet[(int)(ulong)(bits & 31)];
                bits >>= 5;
            }
        }));
    }

    /// <summary>Upper case means the same.</summary>
    public static bool TryParse(string? text, out QueueId id)
    {
        id = default;
        if (text is not { Length: Length })
        {
            return false;
        }

        var lower = text.ToLowerInvariant();
        if (lower.AsSpan().ContainsAnyExcept(s_characters))
        {
            return false;
        }

        id = new QueueId(lower);
        return true;
    }

    public override string ToString() => Text;
}
