namespace Hopseal.Smtp.Wire;

/// <summary>Puts content into the form that follows DATA: dots doubled at line starts, the last line ended, then the lone dot
/// (RFC 5321 §4.5.2). It never lets a bare CR, a bare LF or a NUL out: what one server takes for text, another may take for
/// the end of the message. One instance per message; a mutable struct, so pass it by reference.</summary>
public struct DataWriter
{
    LineBreakCheck _check = new();
    bool _inLine;
    bool _heldCr;

    public DataWriter()
    {
    }

    /// <summary>Why the content cannot be sent as text.</summary>
    public readonly ContentFault Fault => _check.Fault;

    /// <summary>Encodes the next piece. False, with nothing written, once there is a <see cref="Fault"/>: the message must not be
    /// completed then.</summary>
    /// <param name="write">Takes the octets to send, in order, possibly in several calls.</param>
    public bool TryWrite(ReadOnlySpan<byte> content, Action<ReadOnlySpan<byte>> write)
    {
        ArgumentNullException.ThrowIfNull(write);
        _check.Look(content);
        if (Fault is not ContentFault.None)
        {
            return false;
        }

        if (content.IsEmpty)
        {
            return true;
        }

        if (_heldCr)
        {
            write("\r"u8);
        }

        if (!_inLine && content[0] == '.')
        {
            write("."u8);
        }

        // A CR waits for its LF, which may be in the next piece or nowhere.
        _heldCr = content[^1] == '\r';
        _inLine = content[^1] != '\n';
        var rest = _heldCr ? content[..^1] : content;
        while (rest.IndexOf("\n."u8) is >= 0 and var at)
        {
            write(rest[..(at + 1)]);
            write("."u8);
            rest = rest[(at + 1)..];
        }

        write(rest);
        return true;
    }

    /// <summary>Ends the last line, if it has no end, and the message. False, with nothing written, when the content ends in the middle
    /// of a CRLF.</summary>
    public bool TryComplete(Action<ReadOnlySpan<byte>> write)
    {
        ArgumentNullException.ThrowIfNull(write);
        _check.Finish();
        if (Fault is not ContentFault.None)
        {
            return false;
        }

        write(_inLine ? "\r\n.\r\n"u8 : ".\r\n"u8);
        return true;
    }
}
