using System.Buffers;
using System.Text;
using Hopseal.Smtp.Mail;

namespace Hopseal.Smtp.Wire;

/// <summary>The values of RET, ENVID, NOTIFY and ORCPT (RFC 3461 §4), read and written.</summary>
static class DsnParameters
{
    const int MaxEnvelopeIdCharacters = 100; // RFC 3461 §4.4
    const int MaxAddressTypeOctets = 64;
    const int MaxOriginalOctets = 500; // RFC 3461 §5.4, encoded

    static readonly SearchValues<byte> s_atom =
        SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!#$%&'*+-/=?^_`{|}~"u8);

    /// <summary>RFC 3461 §4.3.</summary>
    public static bool TryReadReturn(ReadOnlySpan<byte> value, out DsnReturn what)
    {
        what = Ascii.EqualsIgnoreCase(value, "FULL"u8) ? DsnReturn.Full : DsnReturn.HeadersOnly;
        return what is DsnReturn.Full || Ascii.EqualsIgnoreCase(value, "HDRS"u8);
    }

    /// <summary>RFC 3461 §4.4.</summary>
    public static bool TryReadEnvelopeId(ReadOnlySpan<byte> value, out string id) =>
        Xtext.TryRead(value, out id) && id.Length is > 0 and <= MaxEnvelopeIdCharacters;

    /// <summary>RFC 3461 §4.1. A keyword may stand there twice; NEVER stands alone.</summary>
    public static bool TryReadNotify(ReadOnlySpan<byte> value, out DsnNotify notify)
    {
        notify = DsnNotify.Never;
        if (Ascii.EqualsIgnoreCase(value, "NEVER"u8))
        {
            return true;
        }

        foreach (var range in value.Split((byte)','))
        {
            var one = Notify(value[range]);
            notify |= one;
            if (one is DsnNotify.Never)
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>RFC 3461 §4.2; the type <c>utf-8</c> in the forms of RFC 6533 §3.</summary>
    public static bool TryReadOriginal(ReadOnlySpan<byte> value, out OriginalRecipient? original)
    {
        original = null;
        var semicolon = value.IndexOf((byte)';');
        if (value.Length > MaxOriginalOctets
            || semicolon is < 1 or > MaxAddressTypeOctets
            || value[..semicolon].ContainsAnyExcept(s_atom))
        {
            return false;
        }

        var type = Encoding.ASCII.GetString(value[..semicolon]);
        var text = value[(semicolon + 1)..];
        var isRead = OriginalRecipient.IsUnicode(type) ? UnicodeAddress.TryRead(text, out var address) : Xtext.TryReadUtf8(text, out address);
        if (!isRead || address.Length == 0)
        {
            return false;
        }

        // What is beyond ASCII has a type of its own, in which it can travel on.
        original = new OriginalRecipient(Ascii.IsValid(address) ? type : OriginalRecipient.Unicode, address);
        return true;
    }

    public static string Write(DsnReturn what) => what switch
    {
        DsnReturn.Full => "RET=FULL",
        DsnReturn.HeadersOnly => "RET=HDRS",
    };

    public static string WriteEnvelopeId(string id) => $"ENVID={Xtext.Write(id)}";

    public static string Write(DsnNotify notify)
    {
        var words = new List<string>(3);
        words.AddRange(notify.HasFlag(DsnNotify.Success) ? ["SUCCESS"] : []);
        words.AddRange(notify.HasFlag(DsnNotify.Failure) ? ["FAILURE"] : []);
        words.AddRange(notify.HasFlag(DsnNotify.Delay) ? ["DELAY"] : []);
        return $"NOTIFY={(words.Count == 0 ? "NEVER" : string.Join(',', words))}";
    }

    /// <param name="original">The recipient.</param>
    /// <param name="utf8">The transaction uses SMTPUTF8, and so may the value (RFC 6533 §3).</param>
    public static string Write(OriginalRecipient original, bool utf8)
    {
        var address = !OriginalRecipient.IsUnicode(original.AddressType) ? Xtext.Write(original.Address)
            : utf8 ? UnicodeAddress.ToUnicode(original.Address)
            : UnicodeAddress.ToAscii(original.Address);
        return $"ORCPT={original.AddressType};{address}";
    }

    static DsnNotify Notify(ReadOnlySpan<byte> word) =>
        Ascii.EqualsIgnoreCase(word, "SUCCESS"u8) ? DsnNotify.Success
        : Ascii.EqualsIgnoreCase(word, "FAILURE"u8) ? DsnNotify.Failure
        : Ascii.EqualsIgnoreCase(word, "DELAY"u8) ? DsnNotify.Delay
        : DsnNotify.Never;
}
