using System.Text;

namespace Hopseal.Relay;

/// <summary>What the intake wants to know of a content, found while it streams through, whatever the pieces it comes in:
/// how many hops it has made, and whether it holds octets above 127.</summary>
sealed class ContentFacts
{
    static ReadOnlySpan<byte> Name => "received"u8;

    bool _inBody;
    bool _lineIsEmpty = true;

    /// <summary>How much of "Received" this line's start has matched; -1 when it is another line.</summary>
    int _matched;

    /// <summary>Trace fields in the header section (RFC 5321 §6.3): what loops, collects them.</summary>
    public int ReceivedFields { get; private set; }

    public bool HasEightBit { get; private set; }

    public void Look(ReadOnlySpan<byte> piece)
    {
        HasEightBit = HasEightBit || !Ascii.IsValid(piece);
        while (!_inBody && !piece.IsEmpty)
        {
            if (_matched < 0)
            {
                var end = piece.IndexOf((byte)'\n');
                piece = end < 0 ? [] : piece[end..];
                if (end < 0)
                {
                    return;
                }
            }

            Step(piece[0]);
            piece = piece[1..];
        }
    }

    void Step(byte octet)
    {
        if (octet == '\n')
        {
            // The first empty line ends the header section.
            _inBody = _lineIsEmpty;
            _lineIsEmpty = true;
            _matched = 0;
            return;
        }

        if (_lineIsEmpty && octet == '\r')
        {
            return;
        }

        _lineIsEmpty = false;
        if (_matched < Name.Length)
        {
            _matched = (octet | 0x20) == Name[_matched] ? _matched + 1 : -1;
        }
        else if (octet == ':')
        {
            ReceivedFields++;
            _matched = -1;
        }
        else if (octet is not ((byte)' ' or (byte)'\t'))
        {
            // White space before the colon is obsolete syntax, and still that field (RFC 5322 §4.5).
            _matched = -1;
        }
    }
}
