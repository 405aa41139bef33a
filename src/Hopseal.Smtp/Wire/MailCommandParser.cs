using System.Text;

namespace Hopseal.Smtp.Wire;

/// <summary>The arguments of MAIL and RCPT (RFC 5321 §4.1.1.2, §4.1.1.3).</summary>
static class MailCommandParser
{
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

        if (IsRunOn(arguments[length..]))
        {
            return BadPath(SmtpVerb.Mail, new EnhancedStatus(5, 5, 4), "Something follows the address");
        }

        var parameters = new EsmtpParameters(SmtpVerb.Mail);
        return parameters.Read(arguments[length..]) is { } refusal
            ? new SmtpCommand.Malformed(SmtpVerb.Mail, refusal)
            : new SmtpCommand.Mail(from, parameters.Mail);
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

        if (IsRunOn(arguments[length..]))
        {
            return BadPath(SmtpVerb.Rcpt, new EnhancedStatus(5, 1, 3), "Something follows the address");
        }

        var parameters = new EsmtpParameters(SmtpVerb.Rcpt);
        return parameters.Read(arguments[length..]) is { } refusal
            ? new SmtpCommand.Malformed(SmtpVerb.Rcpt, refusal)
            : new SmtpCommand.Rcpt(to, parameters.Rcpt);
    }

    static SmtpCommand.Malformed BadPath(SmtpVerb verb, EnhancedStatus status, string text) =>
        new SmtpCommand.Malformed(verb, new SmtpReply(501, status, text));

    /// <summary>Parameters begin with a space.</summary>
    static bool IsRunOn(ReadOnlySpan<byte> rest) => !rest.IsEmpty && rest[0] is not ((byte)' ' or (byte)'\t');

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
}
