using System.Buffers;
using System.IO.Pipelines;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace Hopseal.Control;

/// <summary>JSON values on a connection, one a line. The caller bounds the time.</summary>
sealed class JsonLines(Stream stream) : IAsyncDisposable
{
    const int FlushOctets = 32 * 1024;

    readonly PipeReader _reader = PipeReader.Create(stream, new StreamPipeReaderOptions(leaveOpen: true));
    readonly ArrayBufferWriter<byte> _unsent = new(4096);

    /// <summary>Null at the end.</summary>
    /// <exception cref="InvalidDataException">It is too long, ends within a line, or is no such value.</exception>
    public async ValueTask<T?> ReadAsync<T>(JsonTypeInfo<T> type, int maxOctets, CancellationToken cancel)
        where T : class
    {
        while (true)
        {
            var read = await _reader.ReadAsync(cancel);
            var end = read.Buffer.PositionOf((byte)'\n');
            if ((end is null ? read.Buffer : read.Buffer.Slice(0, end.Value)).Length > maxOctets)
            {
                throw new InvalidDataException($"a line is longer than {maxOctets} octets");
            }

            if (end is { } position)
            {
                var value = Parse(read.Buffer.Slice(0, position), type);
                _reader.AdvanceTo(read.Buffer.GetPosition(1, position));
                return value;
            }

            var atEnd = read.IsCompleted;
            var isEmpty = read.Buffer.IsEmpty;
            _reader.AdvanceTo(read.Buffer.Start, read.Buffer.End);
            if (atEnd)
            {
                return isEmpty ? null : throw new InvalidDataException("the connection ended within a line");
            }
        }
    }

    /// <summary>True when enough is gathered that it should be sent.</summary>
    public bool Add<T>(T value, JsonTypeInfo<T> type)
    {
        using (var json = new Utf8JsonWriter(_unsent))
        {
            JsonSerializer.Serialize(json, value, type);
        }

        _unsent.Write("\n"u8);
        return _unsent.WrittenCount >= FlushOctets;
    }

    public async ValueTask SendAsync(CancellationToken cancel)
    {
        if (_unsent.WrittenCount == 0)
        {
            // A write of nothing fails too when the other side is done and has closed: its lines are still to be read.
            return;
        }

        await stream.WriteAsync(_unsent.WrittenMemory, cancel);
        _unsent.ResetWrittenCount();
    }

    public ValueTask DisposeAsync() => _reader.CompleteAsync();

    static T Parse<T>(ReadOnlySequence<byte> line, JsonTypeInfo<T> type)
    {
        try
        {
            var json = new Utf8JsonReader(line);
            return JsonSerializer.Deserialize(ref json, type) is { } value && !json.Read() ? value : throw new InvalidDataException("a line is no value");
        }
        catch (Exception e) when (e is JsonException or NotSupportedException or InvalidOperationException)
        {
            throw new InvalidDataException("a line is not what was expected", e);
        }
    }
}
