using System.Buffers;

namespace Hopseal.Smtp.Client;

/// <summary>Reads exactly the announced number of octets, block by block. A message that turns out shorter or longer is not the one that
/// was accepted from its sender, and must not be ended as if it were.</summary>
sealed class ContentReader(Stream content, long size) : IDisposable
{
    const int BlockOctets = 64 * 1024;

    readonly byte[] _buffer = ArrayPool<byte>.Shared.Rent((int)Math.Min(BlockOctets, size + 1));

    /// <summary>Octets that are still to come.</summary>
    public long Left { get; private set; } = size;

    /// <summary>The next block, of at most <paramref name="limit"/> octets; empty only when nothing is left. The last one is handed out
    /// only after the end of the stream was seen. Valid until the next call.</summary>
    /// <exception cref="InvalidDataException">The content is not as long as announced.</exception>
    public async ValueTask<ReadOnlyMemory<byte>> NextAsync(long limit, CancellationToken cancel)
    {
        var wanted = (int)Math.Min(Math.Min(limit, Left), _buffer.Length);
        var read = await content.ReadAtLeastAsync(_buffer.AsMemory(0, wanted), wanted, throwOnEndOfStream: false, cancel);
        Left -= read;
        if (read < wanted || (Left == 0 && await IsLongerAsync(cancel)))
        {
            throw new InvalidDataException("the content is not as long as was announced");
        }

        return _buffer.AsMemory(0, read);
    }

    public void Dispose() => ArrayPool<byte>.Shared.Return(_buffer);

    async ValueTask<bool> IsLongerAsync(CancellationToken cancel)
    {
        if (content.CanSeek)
        {
            return content.Position < content.Length;
        }

        var probe = new byte[1];
        return await content.ReadAsync(probe, cancel) > 0;
    }
}
