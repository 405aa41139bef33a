using System.Buffers;

namespace Hopseal.Relay.Queue;

/// <summary>One message's content on its way in: in pooled memory while it is small, in a file of the spool from
/// <see cref="Spool.MemoryOctets"/> on. Whatever the size, it holds no more than that in memory.</summary>
public sealed class SpooledContent : IAsyncDisposable
{
    const int FirstBuffer = 16 * 1024;

    readonly Spool _spool;
    readonly QueueId _id;
    byte[] _buffer = ArrayPool<byte>.Shared.Rent(FirstBuffer);
    int _buffered;
    FileStream? _file;
    bool _discarded;

    internal SpooledContent(Spool spool, QueueId id)
    {
        _spool = spool;
        _id = id;
    }

    /// <summary>Octets written so far.</summary>
    public long Length { get; private set; }

    /// <exception cref="IOException">The disk is full or failed; what was written is to be discarded.</exception>
    public async ValueTask WriteAsync(ReadOnlyMemory<byte> content, CancellationToken cancel)
    {
        ObjectDisposedException.ThrowIf(_discarded, this);
        Length += content.Length;
        while (!TryBuffer(ref content))
        {
            await SpillAsync(cancel);
        }
    }

    /// <summary>The content is whole. Returns it as <see cref="StoredMessage"/> wants it: in memory, valid until this is
    /// disposed, or as the name of a file that is on stable storage and from now on the caller's to keep or delete.</summary>
    /// <exception cref="IOException">As in <see cref="WriteAsync"/>.</exception>
    public async ValueTask<(ReadOnlyMemory<byte> Content, string? ContentFile)> FinishAsync(CancellationToken cancel)
    {
        ObjectDisposedException.ThrowIf(_discarded, this);
        if (_file is null)
        {
            return (_buffer.AsMemory(0, _buffered), null);
        }

        await SpillAsync(cancel);
        _file.Flush(flushToDisk: true);
        await _file.DisposeAsync();
        var name = _spool.Keep(_id);
        _file = null;
        return (default, name);
    }

    /// <summary>Discards what was not finished.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_discarded)
        {
            return;
        }

        _discarded = true;
        ArrayPool<byte>.Shared.Return(_buffer);
        _buffer = [];
        if (_file is not null)
        {
            await _file.DisposeAsync();
            _spool.DeleteArriving(_id);
        }
    }

    /// <summary>Takes as much as memory may hold; false when the rest has to wait for a spill.</summary>
    bool TryBuffer(ref ReadOnlyMemory<byte> content)
    {
        if (_buffered + content.Length > _buffer.Length && _buffer.Length < Spool.MemoryOctets)
        {
            Grow(_buffered + content.Length);
        }

        var taken = Math.Min(content.Length, Math.Min(_buffer.Length, Spool.MemoryOctets) - _buffered);
        content.Span[..taken].CopyTo(_buffer.AsSpan(_buffered));
        _buffered += taken;
        content = content[taken..];
        return content.IsEmpty;
    }

    void Grow(int wanted)
    {
        var larger = ArrayPool<byte>.Shared.Rent(Math.Min(Math.Max(wanted, _buffer.Length * 2), Spool.MemoryOctets));
        _buffer.AsSpan(0, _buffered).CopyTo(larger);
        ArrayPool<byte>.Shared.Return(_buffer);
        _buffer = larger;
    }

    async ValueTask SpillAsync(CancellationToken cancel)
    {
        _file ??= _spool.CreateArriving(_id);
        await _file.WriteAsync(_buffer.AsMemory(0, _buffered), cancel);
        _buffered = 0;
    }
}
