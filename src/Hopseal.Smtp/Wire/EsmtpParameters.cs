using System.Buffers;
using System.Text;
using System.Text.Unicode;
using Hopseal.Smtp.Mail;

namespace Hopseal.Smtp.Wire;

/// <summary>Reads what follows the path of MAIL or RCPT (RFC 5321 §4.1.1.11). One use.</summary>
struct EsmtpParameters(SmtpVerb verb)
{
    static readonly SearchValues<byte> s_keyword = SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-"u8);

    Keyword _seen;

    public MailParameters Mail { get; private set; } = MailParameters.None;

    public RcptParameters Rcpt { get; private set; } = RcptParameters.None;

    /// <summary>RFC 5321 §4.1.1.11.</summary>
    public static SmtpReply Unknown { get; } = new(555, new EnhancedStatus(5, 5, 4), "A parameter is not known or not implemented");

    /// <param name="text">From behind the path to the end of the line.</param>
    /// <returns>Null when every parameter was understood, else what the client is told.</returns>
    public SmtpReply? Read(ReadOnlySpan<byte> text)
    {
        if (text.IsEmpty)
        {
            return null;
        }

        Mail = Mail with { Any = true };
        Rcpt = Rcpt with { Any = true };
        foreach (var range in text.SplitAny(" \t"u8))
        {
            var one = text[range];
            if (!one.IsEmpty && ReadOne(one) is { } refusal)
            {
                return refusal;
            }
        }

        return null;
    }

    [Flags]
    enum Keyword
    {
        None = 0,
        Size = 1,
        Body = 2,
        SmtpUtf8 = 4,
        Auth = 8,
        Return = 16,
        EnvelopeId = 32,
        Notify = 64,
        Original = 128,
        RequireTls = 256,
    }

    SmtpReply? ReadOne(ReadOnlySpan<byte> one)
    {
        var equals = one.IndexOf((byte)'=');
        var name = equals < 0 ? one : one[..equals];
        var value = equals < 0 ? default : one[(equals + 1)..];
        if (name.IsEmpty || name.ContainsAnyExcept(s_keyword) || (equals >= 0 && !IsValue(value)))
        {
            return Bad("A parameter is malformed");
        }

        var keyword = Which(name);
        if (keyword is Keyword.None)
        {
            return Unknown;
        }

        if (_seen.HasFlag(keyword))
        {
            return Bad("A parameter is repeated"); // RFC 3461 §4.5 says so of its own
        }

        _seen |= keyword;
        return TryApply(keyword, value, hasValue: equals >= 0) ? null : Bad("A parameter's value is malformed");
    }

    bool TryApply(Keyword keyword, ReadOnlySpan<byte> value, bool hasValue)
    {
        switch (keyword)
        {
            case Keyword.Size when SmtpCommandParser.TryNumber(value, out var size):
                Mail = Mail with { Size = size };
                return true;
            case Keyword.Body when TryBody(value, out var body):
                Mail = Mail with { Body = body };
                return true;
            case Keyword.SmtpUtf8 when !hasValue:
                Mail = Mail with { SmtpUtf8 = true };
                return true;
            case Keyword.RequireTls when !hasValue:
                Mail = Mail with { RequireTls = true };
                return true;
            case Keyword.Auth when !value.IsEmpty:
                return true; // taken and not believed (RFC 4954 §5)
            case Keyword.Return when DsnParameters.TryReadReturn(value, out var what):
                Mail = Mail with { Return = what };
                return true;
            case Keyword.EnvelopeId when DsnParameters.TryReadEnvelopeId(value, out var id):
                Mail = Mail with { EnvelopeId = id };
                return true;
            case Keyword.Notify when DsnParameters.TryReadNotify(value, out var notify):
                Rcpt = Rcpt with { Notify = notify };
                return true;
            case Keyword.Original when DsnParameters.TryReadOriginal(value, out var original):
                Rcpt = Rcpt with { Original = original };
                return true;
            default:
                return false;
        }
    }

    readonly Keyword Which(ReadOnlySpan<byte> name) => verb is SmtpVerb.Mail ? OfMail(name) : OfRcpt(name);

    static Keyword OfMail(ReadOnlySpan<byte> name) =>
        Ascii.EqualsIgnoreCase(name, "SIZE"u8) ? Keyword.Size
        : Ascii.EqualsIgnoreCase(name, "BODY"u8) ? Keyword.Body
        : Ascii.EqualsIgnoreCase(name, "SMTPUTF8"u8) ? Keyword.SmtpUtf8
        : Ascii.EqualsIgnoreCase(name, "AUTH"u8) ? Keyword.Auth
        : Ascii.EqualsIgnoreCase(name, "RET"u8) ? Keyword.Return
        : Ascii.EqualsIgnoreCase(name, "ENVID"u8) ? Keyword.EnvelopeId
        : Ascii.EqualsIgnoreCase(name, "REQUIRETLS"u8) ? Keyword.RequireTls
        : Keyword.None;

    static Keyword OfRcpt(ReadOnlySpan<byte> name) =>
        Ascii.EqualsIgnoreCase(name, "NOTIFY"u8) ? Keyword.Notify
        : Ascii.EqualsIgnoreCase(name, "ORCPT"u8) ? Keyword.Original
        : Keyword.None;

    static SmtpReply Bad(string text) => new(501, new EnhancedStatus(5, 5, 4), text);

    static bool TryBody(ReadOnlySpan<byte> value, out BodyType body)
    {
        (var known, body) =
            Ascii.EqualsIgnoreCase(value, "7BIT"u8) ? (true, BodyType.SevenBit)
            : Ascii.EqualsIgnoreCase(value, "8BITMIME"u8) ? (true, BodyType.EightBitMime)
            : Ascii.EqualsIgnoreCase(value, "BINARYMIME"u8) ? (true, BodyType.BinaryMime)
            : (false, default);
        return known;
    }

    /// <summary>RFC 5321 §4.1.2 esmtp-value, with the UTF-8 of RFC 6531 §3.3.</summary>
    static bool IsValue(ReadOnlySpan<byte> value) =>
        !value.IsEmpty && Utf8.IsValid(value) && value.IndexOfAnyInRange((byte)0, (byte)' ') < 0 && value.IndexOfAny((byte)'=', (byte)0x7F) < 0;
}
