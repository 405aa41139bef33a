using System.Buffers;
using System.Text;
using System.Text.Unicode;
using Hopseal.Smtp.Mail;

namespace Hopseal.Smtp.Wire;

/// <summary>The arguments of MAIL and RCPT (RFC 5321 §4.1.1.2, §4.1.1.3).</summary>
static class MailCommandParser
{
    static readonly SearchValues<byte> s_keyword = SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-"u8);

    public static SmtpCommand ParseMail(ReadOnlySpan<byte> arguments)
    {
        if (!TryTake(ref arguments, "FROM:"u8))
        {
            return SmtpCommandParser.Syntax(SmtpVerb.Mail, "Write MAIL FROM:<address>");
        }

        if (!PathParser.TryParse(arguments, out var from, out var isPostmaster, out var length) || isPostmaster)
        {
            return BadPath(SmtpVerb.Mail, new EnhancedStatus(5, 1, 7), "The sender's address is not one");
        }

        return TryParseParameters(arguments[length..], out var parameters, out var refusal)
            ? new SmtpCommand.Mail(from, parameters)
            : new SmtpCommand.Malformed(SmtpVerb.Mail, refusal!);
    }

    public static SmtpCommand ParseRcpt(ReadOnlySpan<byte> arguments)
    {
        if (!TryTake(ref arguments, "TO:"u8))
        {
            return SmtpCommandParser.Syntax(SmtpVerb.Rcpt, "Write RCPT TO:<address>");
        }

        if (!PathParser.TryParse(arguments, out var to, out var isPostmaster, out var length) || (to is null && !isPostmaster))
        {
            return BadPath(SmtpVerb.Rcpt, new EnhancedStatus(5, 1, 3), "The recipient's address is not one");
        }

        // No extension that is offered gives RCPT a parameter.
        var rest = arguments[length..];
        return rest.IsEmpty ? new SmtpCommand.Rcpt(to)
            : rest[0] is (byte)' ' or (byte)'\t' ? new SmtpCommand.Malformed(SmtpVerb.Rcpt, UnknownParameter)
            : BadPath(SmtpVerb.Rcpt, new EnhancedStatus(5, 1, 3), "Something follows the address");
    }

    /// <summary>RFC 5321 §4.1.1.11.</summary>
    internal static SmtpReply UnknownParameter { get; } =
        new(555, new EnhancedStatus(5, 5, 4), "A parameter is not known or not implemented");

    static SmtpReply Bad(string text) => new(501, new EnhancedStatus(5, 5, 4), text);

    static SmtpCommand.Malformed BadPath(SmtpVerb verb, EnhancedStatus status, string text) =>
        new SmtpCommand.Malformed(verb, new SmtpReply(501, status, text));

    /// <summary>Also takes the space that many clients put behind the colon.</summary>
    static bool TryTake(ref ReadOnlySpan<byte> arguments, ReadOnlySpan<byte> prefix)
    {
        if (arguments.Length < prefix.Length || !Ascii.EqualsIgnoreCase(arguments[..prefix.Length], prefix))
        {
            return false;
        }

        arguments = arguments[prefix.Length..].TrimStart((byte)' ');
        return true;
    }

    static bool TryParseParameters(ReadOnlySpan<byte> text, out MailParameters parameters, out SmtpReply? refusal)
    {
        parameters = MailParameters.None;
        refusal = null;
        if (text.IsEmpty)
        {
            return true;
        }

        if (text[0] is not ((byte)' ' or (byte)'\t'))
        {
            refusal = Bad("Something follows the address");
            return false;
        }

        parameters = parameters with { Any = true };
        var seen = Parameter.None;
        foreach (var range in text.SplitAny(" \t"u8))
        {
            var one = text[range];
            if (!one.IsEmpty && (refusal = Apply(one, ref parameters, ref seen)) is not null)
            {
                return false;
            }
        }

        return true;
    }

    [Flags]
    enum Parameter
    {
        None = 0,
        Size = 1,
        Body = 2,
        SmtpUtf8 = 4,
        Auth = 8,
    }

    static SmtpReply? Apply(ReadOnlySpan<byte> one, ref MailParameters parameters, ref Parameter seen)
    {
        var equals = one.IndexOf((byte)'=');
        var keyword = equals < 0 ? one : one[..equals];
        var value = equals < 0 ? default : one[(equals + 1)..];
        if (keyword.IsEmpty || keyword.ContainsAnyExcept(s_keyword) || (equals >= 0 && !IsValue(value)))
        {
            return Bad("A parameter is malformed");
        }

        var which = Which(keyword);
        if (which is Parameter.None)
        {
            return UnknownParameter;
        }

        if (seen.HasFlag(which))
        {
            return Bad("A parameter is repeated");
        }

        seen |= which;
        switch (which)
        {
            case Parameter.Size when SmtpCommandParser.TryNumber(value, out var size):
                parameters = parameters with { Size = size };
                return null;
            case Parameter.Body when TryBody(value, out var body):
                parameters = parameters with { Body = body };
                return null;
            case Parameter.SmtpUtf8 when equals < 0:
                parameters = parameters with { SmtpUtf8 = true };
                return null;
            case Parameter.Auth when !value.IsEmpty:
                return null; // taken and not believed (RFC 4954 §5)
            default:
                return Bad("A parameter's value is malformed");
        }
    }

    static Parameter Which(ReadOnlySpan<byte> keyword) =>
        Ascii.EqualsIgnoreCase(keyword, "SIZE"u8) ? Parameter.Size
        : Ascii.EqualsIgnoreCase(keyword, "BODY"u8) ? Parameter.Body
        : Ascii.EqualsIgnoreCase(keyword, "SMTPUTF8"u8) ? Parameter.SmtpUtf8
        : Ascii.EqualsIgnoreCase(keyword, "AUTH"u8) ? Parameter.Auth
        : Parameter.None;

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
