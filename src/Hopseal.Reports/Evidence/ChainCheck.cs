using System.Globalization;
using System.Text;

namespace Hopseal.Reports.Evidence;

/// <summary>What a chain is held against.</summary>
/// <param name="Anchor">The last entry that retention deleted; null when it deleted none.</param>
/// <param name="Head">What <c>head.json</c> names; null when there is none, or it is not to count.</param>
/// <param name="Hash">An entry with this hash has to be there; null: none in particular.</param>
/// <param name="FromBeginning">False: a part, of which nobody knows what comes before it.</param>
/// <param name="ToHead">False: a part, which may end before the head.</param>
sealed record ChainEnds(PointFile? Anchor, PointFile? Head, string? Hash, bool FromBeginning, bool ToHead);

/// <summary>Follows a chain entry by entry, and says where it is broken. It needs nothing but the lines: what it says, <c>sha256sum</c> and <c>jq</c> say
/// too.</summary>
sealed class ChainCheck(ChainEnds ends, Action<ChainFault> found)
{
    readonly byte[] _hash = new byte[LedgerPoint.HashOctets];
    readonly byte[] _hex = new byte[2 * LedgerPoint.HashOctets];
    readonly byte[]? _wanted = ends.Hash is null ? null : Encoding.ASCII.GetBytes(ends.Hash);

    // How the entry about the deletion begins, and how it goes on.
    readonly byte[] _anchorStart = Encoding.ASCII.GetBytes(ends.Anchor is { } start ? AnchorText(start, whole: false) : " ");
    readonly byte[] _anchor = Encoding.ASCII.GetBytes(ends.Anchor is { } whole ? AnchorText(whole, whole: true) : " ");

    // What the next entry has to follow from; false where that cannot be said.
    bool _isKnown;
    bool _isAny;
    long _last;
    bool _headSeen;
    bool _anchorSeen;
    bool _wantedSeen;

    public long Entries { get; private set; }

    public long FirstSeq { get; private set; }

    public long Faults { get; private set; }

    public long Gaps { get; private set; }

    public LedgerPoint? Last => _isAny ? new LedgerPoint(_last, Encoding.ASCII.GetString(_hex)) : null;

    /// <summary>One line that is whole.</summary>
    /// <returns>False when it is no entry.</returns>
    public bool Follow(string file, long line, ReadOnlySpan<byte> octets, out EntryFrame frame)
    {
        if (!EntryFrame.TryParse(octets, out frame))
        {
            Break(file, line, "is no entry");
            return false;
        }

        if (_isAny)
        {
            Compare(file, line, frame);
        }
        else
        {
            Begin(file, line, frame);
        }

        EntryFrame.Hash(octets, _hash);
        Convert.TryToHexStringLower(_hash, _hex, out _);
        (_isAny, _isKnown, _last) = (true, true, frame.Seq);
        Entries++;
        Meet(file, line, frame, octets);
        return true;
    }

    /// <summary>A line that cannot be an entry.</summary>
    public void Break(string file, long line, string what)
    {
        Tell(new ChainFault(file, line, null, what));
        _isKnown = false;
    }

    /// <summary>After the last file.</summary>
    public void End()
    {
        if (ends is { ToHead: true, Head.Point: { } head } && !_headSeen && (!_isAny || _last < head.Seq))
        {
            Tell(new ChainFault(null, null, null, _isAny
                ? string.Create(CultureInfo.InvariantCulture, $"the end was cut: entries {_last + 1} to {head.Seq}, which head.json names, are missing")
                : string.Create(CultureInfo.InvariantCulture, $"all entries up to {head.Seq}, which head.json names, are missing")));
        }

        if (ends is { FromBeginning: true, Anchor.Point: { } anchor } && _isAny && !_anchorSeen && anchor.Seq > _last)
        {
            Tell(new ChainFault(null, null, null, string.Create(
                CultureInfo.InvariantCulture, $"anchor.json names entry {anchor.Seq} as deleted, and the last one there is {_last}")));
        }

        if (ends.Hash is { } hash && !_wantedSeen)
        {
            Tell(new ChainFault(null, null, null, $"no entry has the hash {hash}"));
        }
    }

    void Begin(string file, long line, EntryFrame frame)
    {
        FirstSeq = frame.Seq;
        if (!ends.FromBeginning)
        {
            return;
        }

        var before = ends.Anchor?.Point ?? LedgerPoint.Beginning;
        if (frame.Seq == before.Seq + 1)
        {
            _anchorSeen = true;
            if (!Is(frame.Prev, before.Hash))
            {
                Tell(file, line, frame, ends.Anchor is null
                    ? "the first entry names one before it"
                    : "does not follow from the entry that anchor.json names: one of the two was changed");
            }
        }
        else if (frame.Seq > before.Seq + 1)
        {
            Tell(file, line, frame, string.Create(CultureInfo.InvariantCulture, $"entries {before.Seq + 1} to {frame.Seq - 1} are missing before it"));
        }
        else if (frame.Seq == 1 && !Is(frame.Prev, LedgerPoint.Beginning.Hash))
        {
            Tell(file, line, frame, "the first entry names one before it");
        }
    }

    void Compare(string file, long line, EntryFrame frame)
    {
        if (frame.Seq == _last + 1)
        {
            if (_isKnown && !frame.Prev.SequenceEqual(_hex))
            {
                Tell(file, line, frame, "does not follow from the entry before it: one of the two was changed");
            }
        }
        else if (frame.Seq <= _last)
        {
            Tell(file, line, frame, string.Create(CultureInfo.InvariantCulture, $"comes again or in the wrong place, after entry {_last}"));
        }
        else if (_isKnown || frame.Seq > _last + 2)
        {
            Tell(file, line, frame, string.Create(CultureInfo.InvariantCulture, $"entries {_last + 1} to {frame.Seq - 1} are missing before it"));
        }
    }

    /// <summary>What this entry itself is known to be, or says.</summary>
    void Meet(string file, long line, EntryFrame frame, ReadOnlySpan<byte> octets)
    {
        if (ends.Head is { } head && frame.Seq == head.Point.Seq)
        {
            _headSeen = true;
            if (!Is(_hex, head.Point.Hash) || !Is(frame.Time, EntryTime.Write(head.At)))
            {
                Tell(file, line, frame, "is not the entry that head.json names: one of the two was changed");
            }
        }

        if (ends.Anchor?.Point is { } anchor && frame.Seq == anchor.Seq)
        {
            _anchorSeen = true;
            if (!Is(_hex, anchor.Hash))
            {
                Tell(file, line, frame, "is not the entry that anchor.json names: one of the two was changed");
            }
        }

        _wantedSeen |= _wanted is not null && _hex.AsSpan().SequenceEqual(_wanted);
        if (frame.Kind.SequenceEqual("gap"u8))
        {
            Gaps++;
        }
        else if (frame.Kind.SequenceEqual("damage"u8))
        {
            Tell(file, line, frame, "the gateway itself found damage here when it started; the entry says which");
        }
        else if (frame.Kind.SequenceEqual("retention"u8) && octets.IndexOf(_anchorStart) >= 0 && octets.IndexOf(_anchor) < 0)
        {
            Tell(file, line, frame, "says another thing of what was deleted than anchor.json: one of the two was changed");
        }
    }

    void Tell(string file, long line, EntryFrame frame, string what) => Tell(new ChainFault(file, line, frame.Seq, what));

    void Tell(ChainFault fault)
    {
        Faults++;
        found(fault);
    }

    static string AnchorText(PointFile anchor, bool whole) => string.Create(
        CultureInfo.InvariantCulture, $"\"anchor\":{{\"seq\":{anchor.Point.Seq},")
        + (whole ? $"\"hash\":\"{anchor.Point.Hash}\"}},\"at\":\"{EntryTime.Write(anchor.At)}\"" : "");

    static bool Is(ReadOnlySpan<byte> hex, string hash) => Encoding.ASCII.GetString(hex) == hash;
}
