using System.Text;

namespace Hopseal.Relay;

/// <summary>What the intake wants to know of a content, found while it streams through, whatever the pieces it comes in:
/// how many hops it has made, what its sender says about TLS, and whether it holds octets above 127.</summary>
public sealed class ContentFacts
{
    readonly TlsRequiredField _tlsRequired = new();

    bool _inBody;
    bool _lineIsEmpty = true;
    Line _line;

    /// <summary>How much of the name of the field this line's start has matched.</summary>
    int _matched;

    /// <summary>Trace fields in the header section (RFC 5321 §6.3): what loops, collects them.</summary>
    public int ReceivedFields { get; private set; }

    public bool HasEightBit { get; private set; }

    /// <summary>The header section says <c>TLS-Required: No</c>, as RFC 8689 §3 has it. To be asked when all of the content has been
    /// seen.</summary>
    public bool WaivesTls => _tlsRequired.SaysNo;

    public void Look(ReadOnlySpan<byte> piece)
    {
        HasEightBit = HasEightBit || !Ascii.IsValid(piece);
        while (!_inBody && !piece.IsEmpty)
        {
            if (_line is Line.Other)
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

    /// <summary>What a line of the header section is, as far as it has been read.</summary>
    enum Line
    {
        /// <summary>Nothing of it, or carriage returns.</summary>
        Beginning,

        /// <summary>The name Received, or a part of it.</summary>
        Received,

        /// <summary>The name TLS-Required, or a part of it.</summary>
        TlsRequired,

        /// <summary>The value of TLS-Required.</summary>
        Value,

        /// <summary>Nothing that matters.</summary>
        Other,
    }

    static ReadOnlySpan<byte> ReceivedName => "received"u8;

    static ReadOnlySpan<byte> TlsRequiredName => "tls-required"u8;

    void Step(byte octet)
    {
        if (octet == '\n')
        {
            // The first empty line ends the header section.
            _inBody = _lineIsEmpty;
            _lineIsEmpty = true;
            _line = Line.Beginning;
            _matched = 0;
            return;
        }

        if (_lineIsEmpty && octet == '\r')
        {
            return;
        }

        if (_lineIsEmpty)
        {
            _lineIsEmpty = false;
            _line = KindOf(octet);
        }

        switch (_line)
        {
            case Line.Received when Ends(ReceivedName, octet):
                ReceivedFields++;
                _line = Line.Other;
                break;
            case Line.TlsRequired when Ends(TlsRequiredName, octet):
                _tlsRequired.Begin();
                _line = Line.Value;
                break;
            case Line.Value:
                _tlsRequired.Take(octet);
                break;
        }
    }

    /// <summary>By its first octet. A field goes on in every line that begins with white space (RFC 5322 §2.2.3).</summary>
    Line KindOf(byte first)
    {
        if (first is (byte)' ' or (byte)'\t')
        {
            return _tlsRequired.IsOpen ? Line.Value : Line.Other;
        }

        _tlsRequired.End();
        return Lower(first) == ReceivedName[0] ? Line.Received : Lower(first) == TlsRequiredName[0] ? Line.TlsRequired : Line.Other;
    }

    /// <summary>Whether this octet is the colon behind the name. What cannot be that name any more is another line.</summary>
    bool Ends(ReadOnlySpan<byte> name, byte octet)
    {
        if (_matched == name.Length)
        {
            // White space before the colon is obsolete syntax, and still that field (RFC 5322 §4.5).
            _line = octet is (byte)':' or (byte)' ' or (byte)'\t' ? _line : Line.Other;
            return octet == ':';
        }

        if (Lower(octet) == name[_matched])
        {
            _matched++;
        }
        else
        {
            _line = Line.Other;
        }

        return false;
    }

    static int Lower(byte octet) => octet is >= (byte)'A' and <= (byte)'Z' ? octet | 0x20 : octet;
}
