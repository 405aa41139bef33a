using System.Net.Sockets;

namespace Hopseal.Smtp.Wire;

/// <summary>A connected TCP socket as the stream under everything else. It remembers whether the peer ended the TCP
/// connection, which tells a TLS stream cut off from one that was closed (RFC 8446 §6.1): SslStream reports both as 0.</summary>
public sealed class SocketTransport : Stream
{
    readonly Socket _socket;

    /// <summary>Takes ownership of a connected stream socket.</summary>
    public SocketTransport(Socket socket)
    {
        ArgumentNullException.ThrowIfNull(socket);
        socket.NoDelay = true;
        _socket = socket;
    }

    public Socket Socket => _socket;

    /// <summary>The peer sent FIN.</summary>
    public bool SawEnd { get; private set; }

    /// <summary>Whether there is anything to read, or the connection has ended in whatever way. Does not wait.</summary>
    public bool IsReadable
    {
        get
        {
            try
            {
                return _socket.Poll(0, SelectMode.SelectRead);
            }
            catch (Exception error) when (error is SocketException or ObjectDisposedException)
            {
                // A socket that cannot be asked has ended.
                return true;
            }
        }
    }

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    /// <summary>Returns 0 at the end of the stream; with an empty buffer, 0 as soon as there is something to read.</summary>
    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        var pending = _socket.ReceiveAsync(buffer, SocketFlags.None, cancellationToken);
        if (pending.IsCompletedSuccessfully)
        {
            var received = pending.Result;
            SawEnd |= received == 0 && buffer.Length > 0;
            return ValueTask.FromResult(received);
        }

        return Awaited(pending, buffer.Length);
    }

    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        while (!buffer.IsEmpty)
        {
            buffer = buffer[await _socket.SendAsync(buffer, SocketFlags.None, cancellationToken)..];
        }
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override Task FlushAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public override void Flush()
    {
    }

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException("asynchronous only");

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException("asynchronous only");

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _socket.Dispose();
        }

        base.Dispose(disposing);
    }

    async ValueTask<int> Awaited(ValueTask<int> pending, int length)
    {
        var received = await pending;
        SawEnd |= received == 0 && length > 0;
        return received;
    }
}
