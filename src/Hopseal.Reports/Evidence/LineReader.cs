namespace Hopseal.Reports.Evidence;

/// <summary>Reads a file of the ledger line by line in bounded memory, and without making anything for a line.</summary>
sealed class LineReader(Stream stream)
{
    const int FirstOctets = 64 * 1024;

    byte[] _buffer = new byte[FirstOctets];
    int _start;
    int _end;
    bool _ended;
    bool _tooLong;
    long _next;

    /// <summary>Of the line that was read last; from 1.</summary>
    public long Number { get; private set; }

    /// <summary>Octets before the line that was read last.</summary>
    public long Offset { get; private set; }

    /// <summary>The line, without its LF; valid until the next call.</summary>
    public ReadOnlyMemory<byte> Line { get; private set; }

    /// <summary>The file ends within this line.</summary>
    public bool IsTorn { get; private set; }

    /// <summary>The line is longer than any entry; it is skipped, and <see cref="Line"/> holds its beginning.</summary>
    public bool IsTooLong { get; private set; }

    /// <summary>False at the end.</summary>
    public async ValueTask<bool> ReadAsync(CancellationToken cancel)
    {
        while (!TryTake())
        {
            if (_ended)
            {
                return TakeRest();
            }

            await FillAsync(cancel);
        }

        return true;
    }

    bool TryTake()
    {
        var length = _buffer.AsSpan(_start, _end - _start).IndexOf((byte)'\n');
        if (length < 0)
        {
            return false;
        }

        Take(length, length + 1);
        return true;
    }

    void Take(int length, int consumed)
    {
        Number++;
        Offset = _next;
        IsTooLong = _tooLong || length > EntryFrame.MostOctets;
        _tooLong = false;
        Line = _buffer.AsMemory(_start, Math.Min(length, EntryFrame.MostOctets));
        _start += consumed;
        _next += consumed;
    }

    bool TakeRest()
    {
        if (_start == _end && !_tooLong)
        {
            return false;
        }

        IsTorn = true;
        Take(_end - _start, _end - _start);
        return true;
    }

    async ValueTask FillAsync(CancellationToken cancel)
    {
        if (_end - _start > EntryFrame.MostOctets)
        {
            // What is too long is known by its beginning; the rest of it is passed over.
            _tooLong = true;
            _next += _end - _start;
            _start = _end = 0;
        }
        else
        {
            // Room for as much again, should it all be one line.
            var larger = _end - _start > _buffer.Length / 2 ? new byte[2 * _buffer.Length] : _buffer;
            _buffer.AsSpan(_start, _end - _start).CopyTo(larger);
            (_buffer, _start, _end) = (larger, 0, _end - _start);
        }

        var read = await stream.ReadAsync(_buffer.AsMemory(_end), cancel);
        _end += read;
        _ended = read == 0;
    }
}
