using System.Buffers;

namespace Hopseal.Smtp.Wire;

/// <summary>Looks for what text content may not hold, in content that arrives in pieces: BDAT does not end at a line, but the
/// message may have to leave by DATA (RFC 3030 §3). A mutable struct, so pass it by reference.</summary>
public struct LineBreakCheck
{
    static readonly SearchValues<byte> s_special = SearchValues.Create("\r\n\0"u8);

    bool _afterCr;

    public LineBreakCheck()
    {
    }

    /// <summary>The first thing found wrong with the content.</summary>
    public ContentFault Fault { get; private set; }

    public void Look(ReadOnlySpan<byte> octets)
    {
        while (Fault is ContentFault.None && !octets.IsEmpty)
        {
            if (_afterCr)
            {
                _afterCr = false;
                Fault = octets[0] == '\n' ? ContentFault.None : ContentFault.BareLineBreak;
                octets = octets[1..];
                continue;
            }

            var at = octets.IndexOfAny(s_special);
            if (at < 0)
            {
                return;
            }

            _afterCr = octets[at] == '\r';
            Fault = octets[at] switch
            {
                (byte)'\n' => ContentFault.BareLineBreak,
                0 => ContentFault.Nul,
                _ => ContentFault.None,
            };
            octets = octets[(at + 1)..];
        }
    }

    /// <summary>The content is whole: a CR at its end has no LF.</summary>
    public void Finish()
    {
        if (_afterCr && Fault is ContentFault.None)
        {
            Fault = ContentFault.BareLineBreak;
        }
    }
}
