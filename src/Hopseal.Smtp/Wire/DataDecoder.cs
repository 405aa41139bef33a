using System.Buffers;

namespace Hopseal.Smtp.Wire;

/// <summary>What to do with the octets that one <see cref="DataDecoder.Scan"/> looked at.</summary>
/// <param name="ContentStart">Where in the scanned octets a piece of content begins.</param>
/// <param name="ContentLength">How long it is; it may be 0.</param>
/// <param name="Consumed">How many octets are dealt with; the others are to be scanned again together with what follows
/// them.</param>
/// <param name="IsEnd">The end of the data was reached: octet number <paramref name="Consumed"/> belongs to the next command.</param>
public readonly record struct DataPiece(int ContentStart, int ContentLength, int Consumed, bool IsEnd);

/// <summary>Takes the dot-stuffing out of what follows DATA and finds its end (RFC 5321 §4.5.2). It copies nothing: it says which
/// pieces of the buffer are content.</summary>
/// <remarks>Only CRLF.CRLF ends the data. What other servers might take for a line end (bare CR, bare LF) ends nothing here and
/// leaves a <see cref="Fault"/>, for which the whole message is refused: that is what makes SMTP smuggling impossible in
/// both directions. One instance per message; a mutable struct, so pass it by reference.</remarks>
public struct DataDecoder
{
    static readonly SearchValues<byte> s_special = SearchValues.Create("\r\n\0"u8);

    bool _inLine; // the CRLF of the DATA command begins the first line

    public DataDecoder()
    {
    }

    /// <summary>The first thing found wrong with the content.</summary>
    public ContentFault Fault { get; private set; }

    /// <summary>Looks at the next octets. The piece ends where an octet must be left out, or where more must be seen.</summary>
    public DataPiece Scan(ReadOnlySpan<byte> octets)
    {
        var start = 0;
        var at = 0;
        while (at < octets.Length)
        {
            if (!_inLine && octets[at] == '.')
            {
                switch (Dot(octets[at..]))
                {
                    case DotMeaning.Unknown:
                        return new DataPiece(start, at - start, at, false);
                    case DotMeaning.End:
                        return new DataPiece(start, at - start, at + EndLength, true);
                    case DotMeaning.Stuffing:
                        _inLine = true;
                        if (at > start)
                        {
                            return new DataPiece(start, at - start, at + 1, false);
                        }

                        start = ++at;
                        continue;
                }
            }

            var next = octets[at..].IndexOfAny(s_special);
            if (next < 0)
            {
                _inLine = true;
                return new DataPiece(start, octets.Length - start, octets.Length, false);
            }

            _inLine |= next > 0;
            at += next;
            if (octets[at] == '\r' && at + 1 == octets.Length)
            {
                return new DataPiece(start, at - start, at, false);
            }

            at += Special(octets[at..]);
        }

        return new DataPiece(start, at - start, at, false);
    }

    const int EndLength = 3; // the dot and its CRLF

    enum DotMeaning
    {
        Unknown,
        Stuffing,
        End,
    }

    /// <summary>A dot that begins a line.</summary>
    static DotMeaning Dot(ReadOnlySpan<byte> octets) => octets switch
    {
        [_, (byte)'\r', (byte)'\n', ..] => DotMeaning.End,
        [_] or [_, (byte)'\r'] => DotMeaning.Unknown,
        _ => DotMeaning.Stuffing,
    };

    /// <summary>Steps over a CRLF, or over a single octet that should not be here.</summary>
    int Special(ReadOnlySpan<byte> octets)
    {
        if (octets is [(byte)'\r', (byte)'\n', ..])
        {
            _inLine = false;
            return 2;
        }

        _inLine = true;
        if (Fault is ContentFault.None)
        {
            Fault = octets[0] == 0 ? ContentFault.Nul : ContentFault.BareLineBreak;
        }

        return 1;
    }
}
