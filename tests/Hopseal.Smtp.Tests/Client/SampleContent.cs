namespace Hopseal.Smtp.Tests.Client;

/// <summary>Content to send.</summary>
static class SampleContent
{
    /// <summary>Lines of text, no dot at a line start.</summary>
    public static byte[] Text(int octets)
    {
        var text = new byte[octets];
        for (var i = 0; i < octets; i++)
        {
            text[i] = (i % 64) switch { 62 => (byte)'\r', 63 => (byte)'\n', var column => (byte)('A' + (column % 26)) };
        }

        text[^2] = (byte)'\r';
        text[^1] = (byte)'\n';
        return text;
    }
}

/// <summary>Content without an end, which fails where it is told to.</summary>
sealed class EndlessText : Stream
{
    long _read;

    public long FailAt { get; init; } = long.MaxValue;

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => throw new NotSupportedException();

    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        _read += buffer.Length;
        if (_read > FailAt)
        {
            throw new IOException("disk failure");
        }

        buffer.Span.Fill((byte)'x');
        return ValueTask.FromResult(buffer.Length);
    }

    public override void Flush()
    {
    }

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();
}
