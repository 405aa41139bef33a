using System.Buffers;
using System.Net.Security;
using System.Text;

namespace Hopseal.Smtp.Wire;

/// <summary>How the incoming direction of a connection ended.</summary>
public enum StreamEnd
{
    /// <summary>It has not.</summary>
    Open,

    /// <summary>FIN on a plaintext connection, or close_notify on a TLS one.</summary>
    Closed,

    /// <summary>A TLS connection whose TCP connection ended without close_notify: somebody may have cut it off.</summary>
    Truncated,
}

public enum LineStatus
{
    Line,

    /// <summary>Longer than allowed. The rest of the line has been read and dropped.</summary>
    TooLong,

    /// <summary>A CR or LF that is not part of CRLF. Nothing after it may be interpreted.</summary>
    BareLineBreak,

    /// <summary>The peer closed. What came before without a CRLF is not a line.</summary>
    End,
}

/// <param name="Octets">Without its CRLF; valid until the next call on the stream.</param>
public readonly record struct SmtpLine(LineStatus Status, ReadOnlyMemory<byte> Octets);

/// <summary>One SMTP connection: buffered reading by line or by chunk, buffered writing. A line ends with CRLF and nothing
/// else (RFC 5321 §2.3.8). While nothing is buffered it holds no buffer, so that an idle session costs little. One reader
/// and one writer at a time.</summary>
public sealed class SmtpStream : IAsyncDisposable
{
    const int BufferSize = 16 * 1024;

    readonly Stream _stream;
    byte[]? _input;
    int _start;
    int _end;
    byte[]? _output;
    int _written;
    Task<int>? _arrival;

    public SmtpStream(SocketTransport transport)
        : this(transport, transport)
    {
    }

    /// <summary>For <c>TlsUpgrade</c>: a TLS stream over its transport.</summary>
    internal SmtpStream(SslStream tls, SocketTransport transport)
        : this((Stream)tls, transport)
    {
    }

    SmtpStream(Stream stream, SocketTransport transport)
    {
        _stream = stream;
        Transport = transport;
    }

    /// <summary>The TCP connection below.</summary>
    public SocketTransport Transport { get; }

    public bool IsTls => _stream is SslStream;

    public StreamEnd End { get; private set; }

    /// <summary>Bytes received that nobody has looked at yet. At the moment of an upgrade there must be none.</summary>
    public ReadOnlyMemory<byte> Buffered => _input is null ? default : _input.AsMemory(_start, _end - _start);

    /// <summary>Reads one line of at most <paramref name="maxOctets"/> octets, CRLF included.</summary>
    /// <exception cref="IOException">The connection broke.</exception>
    public async ValueTask<SmtpLine> ReadLineAsync(int maxOctets, CancellationToken cancel)
    {
        var scanned = 0;
        var dropped = false;
        while (true)
        {
            var buffered = Buffered;
            var at = buffered.Span[scanned..].IndexOfAny((byte)'\r', (byte)'\n');
            if (at >= 0 && (scanned + at + 1 < buffered.Length || buffered.Span[scanned + at] == '\n'))
            {
                at += scanned;
                if (buffered.Span[at] == '\n' || buffered.Span[at + 1] != '\n')
                {
                    return new SmtpLine(LineStatus.BareLineBreak, buffered[..at]);
                }

                var line = buffered[..at];
                Consume(at + 2);
                return dropped || at + 2 > maxOctets
                    ? new SmtpLine(LineStatus.TooLong, default)
                    : new SmtpLine(LineStatus.Line, line);
            }

            scanned = at >= 0 ? scanned + at : buffered.Length;
            if (scanned >= maxOctets)
            {
                Consume(scanned);
                scanned = 0;
                dropped = true;
            }

            if (await FillAsync(cancel) == 0)
            {
                return new SmtpLine(LineStatus.End, default);
            }
        }
    }

    /// <summary>Marks octets of <see cref="Buffered"/> as used.</summary>
    public void Consume(int count)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(count, _end - _start);
        _start += count;
    }

    /// <summary>Adds what the peer sends to <see cref="Buffered"/>; 0 at the end of the stream.</summary>
    /// <exception cref="IOException">The connection broke, or <see cref="Buffered"/> is full: the caller let an unbounded
    /// amount pile up.</exception>
    public async ValueTask<int> FillAsync(CancellationToken cancel)
    {
        if (End is not StreamEnd.Open)
        {
            return 0;
        }

        if (_start == _end)
        {
            // Wait without a buffer: this is where an idle session spends its life.
            ReturnInput();
            if (_arrival is { } arrival)
            {
                await arrival.WaitAsync(cancel);
                _arrival = null;
            }
            else
            {
                await ReadNothingAsync(cancel);
            }
        }

        _input ??= ArrayPool<byte>.Shared.Rent(BufferSize);
        if (_end == _input.Length)
        {
            MakeRoom();
        }

        var read = await _stream.ReadAsync(_input.AsMemory(_end), cancel);
        if (read == 0)
        {
            End = IsTls && Transport.SawEnd ? StreamEnd.Truncated : StreamEnd.Closed;
        }

        _end += read;
        return read;
    }

    /// <summary>Completes, or fails, when the peer sends something or the connection ends. Nothing is read: the next
    /// <see cref="FillAsync"/> goes on from here. For a TLS connection, something is content; a session ticket is not.</summary>
    public Task ArrivalAsync() => Buffered.IsEmpty && End is StreamEnd.Open
        ? _arrival ??= ReadNothingAsync(CancellationToken.None).AsTask()
        : Task.CompletedTask;

    /// <summary>Appends to the output buffer, growing it where needed; nothing is sent before <see cref="FlushAsync"/>.</summary>
    public void Write(ReadOnlySpan<byte> octets)
    {
        EnsureOutput(octets.Length);
        octets.CopyTo(_output.AsSpan(_written));
        _written += octets.Length;
    }

    /// <summary>Appends <paramref name="line"/> as UTF-8 and a CRLF.</summary>
    /// <exception cref="ArgumentException">The line holds a CR or LF: it would be two lines for the peer.</exception>
    public void WriteLine(string line)
    {
        ArgumentNullException.ThrowIfNull(line);
        if (line.AsSpan().IndexOfAny('\r', '\n') >= 0)
        {
            throw new ArgumentException("a line holds no line break", nameof(line));
        }

        EnsureOutput(Encoding.UTF8.GetMaxByteCount(line.Length) + 2);
        _written += Encoding.UTF8.GetBytes(line, _output.AsSpan(_written));
        _output![_written++] = (byte)'\r';
        _output[_written++] = (byte)'\n';
    }

    /// <summary>Appends every line of the reply.</summary>
    public void WriteReply(SmtpReply reply)
    {
        ArgumentNullException.ThrowIfNull(reply);
        foreach (var line in reply.WireLines())
        {
            WriteLine(line);
        }
    }

    /// <summary>How many octets wait for <see cref="FlushAsync"/>.</summary>
    public int Unflushed => _written;

    public async ValueTask FlushAsync(CancellationToken cancel)
    {
        if (_written == 0)
        {
            return;
        }

        await _stream.WriteAsync(_output.AsMemory(0, _written), cancel);
        _written = 0;
        ArrayPool<byte>.Shared.Return(_output!, clearArray: false);
        _output = null;
    }

    /// <summary>Ends the outgoing direction in order: what is buffered, close_notify on TLS, FIN. Never throws for a
    /// connection that is already gone.</summary>
    public async ValueTask CloseAsync(CancellationToken cancel)
    {
        try
        {
            await FlushAsync(cancel);
            if (_stream is SslStream tls)
            {
                await tls.ShutdownAsync();
            }

            Transport.Socket.Shutdown(System.Net.Sockets.SocketShutdown.Send);
        }
        catch (Exception error) when (error is IOException or System.Net.Sockets.SocketException or ObjectDisposedException or OperationCanceledException or InvalidOperationException)
        {
            // The peer was faster; there is nobody left to tell.
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stream.DisposeAsync();
        await Transport.DisposeAsync();
        _start = _end = _written = 0;
        ReturnInput();
        if (_output is { } output)
        {
            _output = null;
            ArrayPool<byte>.Shared.Return(output);
        }
    }

    /// <summary>For <c>TlsUpgrade</c>, which takes the stream over: from here on this object is of no use.</summary>
    internal void Abandon()
    {
        if (_end > _start)
        {
            throw new InvalidOperationException("plaintext is buffered at the moment of the upgrade");
        }

        ReturnInput();
        End = StreamEnd.Closed;
    }

#pragma warning disable CA2022 // reads nothing by intention: it completes when there is something to read
    ValueTask<int> ReadNothingAsync(CancellationToken cancel) => _stream.ReadAsync(Memory<byte>.Empty, cancel);
#pragma warning restore CA2022

    void ReturnInput()
    {
        _start = _end = 0;
        if (_input is { } input)
        {
            _input = null;
            ArrayPool<byte>.Shared.Return(input);
        }
    }

    void MakeRoom()
    {
        if (_start > 0)
        {
            _input.AsSpan(_start, _end - _start).CopyTo(_input);
            _end -= _start;
            _start = 0;
            return;
        }

        throw new IOException("the peer sent more than can be looked at in one piece");
    }

    void EnsureOutput(int more)
    {
        _output ??= ArrayPool<byte>.Shared.Rent(Math.Max(more, 1024));
        if (_output.Length - _written < more)
        {
            var larger = ArrayPool<byte>.Shared.Rent(Math.Max(_output.Length * 2, _written + more));
            _output.AsSpan(0, _written).CopyTo(larger);
            ArrayPool<byte>.Shared.Return(_output);
            _output = larger;
        }
    }
}
