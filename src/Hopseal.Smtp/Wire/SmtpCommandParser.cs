using System.Buffers;
using System.Buffers.Text;
using System.Text;

namespace Hopseal.Smtp.Wire;

/// <summary>Turns one line into a command. Never throws, whatever the line holds.</summary>
public static class SmtpCommandParser
{
    const int LongestVerb = 8;
    const int MaxHelloOctets = 255;
    const int MaxMechanismOctets = 20; // RFC 4422 §3.1
    const int MaxSizeDigits = 20; // RFC 1870 §3

    // Visible ASCII without what would forge structure in the Received header that will quote it.
    static readonly SearchValues<byte> s_hello = SearchValues.Create(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.:[]!#$%&'*+/=?@^`{|}~"u8);

    static readonly SearchValues<byte> s_mechanism = SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"u8);

    /// <param name="line">Without its CRLF. White space at its end is ignored (RFC 5321 §4.1.1).</param>
    public static SmtpCommand Parse(ReadOnlySpan<byte> line)
    {
        line = line.TrimEnd(" \t"u8);
        var space = line.IndexOfAny((byte)' ', (byte)'\t');
        var word = space < 0 ? line : line[..space];
        var arguments = space < 0 ? default : line[space..].TrimStart(" \t"u8);
        var verb = Verb(word);
        return verb switch
        {
            SmtpVerb.Ehlo or SmtpVerb.Helo => Hello(verb, arguments),
            SmtpVerb.Mail => MailCommandParser.ParseMail(arguments),
            SmtpVerb.Rcpt => MailCommandParser.ParseRcpt(arguments),
            SmtpVerb.Data => arguments.IsEmpty ? s_data : NoParameters(verb),
            SmtpVerb.Bdat => Bdat(arguments),
            SmtpVerb.Rset => arguments.IsEmpty ? s_rset : NoParameters(verb),
            SmtpVerb.Noop => s_noop, // a parameter is ignored (RFC 5321 §4.1.1.9)
            SmtpVerb.Quit => arguments.IsEmpty ? s_quit : NoParameters(verb),
            SmtpVerb.Vrfy => arguments.IsEmpty ? Syntax(verb, "VRFY needs a mailbox or a name") : s_vrfy,
            SmtpVerb.Expn => s_expn,
            SmtpVerb.Help => s_help,
            SmtpVerb.StartTls => arguments.IsEmpty ? s_startTls : NoParameters(verb), // RFC 3207 §4
            SmtpVerb.Auth => Auth(arguments),
            SmtpVerb.Http => s_http,
            SmtpVerb.Unknown => s_unknown,
        };
    }

    internal static SmtpCommand Syntax(SmtpVerb verb, string text) =>
        new SmtpCommand.Malformed(verb, new SmtpReply(501, new EnhancedStatus(5, 5, 4), text));

    static readonly SmtpCommand s_data = new SmtpCommand.Data();
    static readonly SmtpCommand s_rset = new SmtpCommand.Rset();
    static readonly SmtpCommand s_noop = new SmtpCommand.Noop();
    static readonly SmtpCommand s_quit = new SmtpCommand.Quit();
    static readonly SmtpCommand s_vrfy = new SmtpCommand.Vrfy();
    static readonly SmtpCommand s_expn = new SmtpCommand.Expn();
    static readonly SmtpCommand s_help = new SmtpCommand.Help();
    static readonly SmtpCommand s_startTls = new SmtpCommand.StartTls();
    static readonly SmtpCommand s_http = new SmtpCommand.Http();
    static readonly SmtpCommand s_unknown = new SmtpCommand.Unknown();

    static SmtpVerb Verb(ReadOnlySpan<byte> word)
    {
        Span<char> upper = stackalloc char[LongestVerb];
        if (word.Length > upper.Length || Ascii.ToUpper(word, upper, out var length) is not OperationStatus.Done)
        {
            return SmtpVerb.Unknown;
        }

        return upper[..length] switch
        {
            "MAIL" => SmtpVerb.Mail,
            "RCPT" => SmtpVerb.Rcpt,
            "DATA" => SmtpVerb.Data,
            "BDAT" => SmtpVerb.Bdat,
            "EHLO" => SmtpVerb.Ehlo,
            "HELO" => SmtpVerb.Helo,
            "STARTTLS" => SmtpVerb.StartTls,
            "AUTH" => SmtpVerb.Auth,
            "RSET" => SmtpVerb.Rset,
            "NOOP" => SmtpVerb.Noop,
            "QUIT" => SmtpVerb.Quit,
            "VRFY" => SmtpVerb.Vrfy,
            "EXPN" => SmtpVerb.Expn,
            "HELP" => SmtpVerb.Help,
            "GET" or "HEAD" or "POST" or "PUT" or "OPTIONS" or "CONNECT" => SmtpVerb.Http,
            _ => SmtpVerb.Unknown,
        };
    }

    /// <summary>RFC 5321 §4.1.1.1, leniently: what stands there proves nothing, and real clients write all sorts of things.</summary>
    static SmtpCommand Hello(SmtpVerb verb, ReadOnlySpan<byte> name)
    {
        if (name.Length is 0 or > MaxHelloOctets || name.ContainsAnyExcept(s_hello))
        {
            return Syntax(verb, verb is SmtpVerb.Ehlo ? "EHLO needs a domain or an address literal" : "HELO needs a domain");
        }

        var text = Encoding.ASCII.GetString(name);
        return verb is SmtpVerb.Ehlo ? new SmtpCommand.Ehlo(text) : new SmtpCommand.Helo(text);
    }

    static SmtpCommand Bdat(ReadOnlySpan<byte> arguments)
    {
        var space = arguments.IndexOfAny((byte)' ', (byte)'\t');
        var number = space < 0 ? arguments : arguments[..space];
        var last = space < 0 ? default : arguments[space..].TrimStart(" \t"u8);
        return TryNumber(number, out var size) && (last.IsEmpty || Ascii.EqualsIgnoreCase(last, "LAST"u8))
            ? new SmtpCommand.Bdat(size, !last.IsEmpty)
            : Syntax(SmtpVerb.Bdat, "BDAT needs a number of octets, and LAST at the end");
    }

    /// <summary>RFC 4954 §4.</summary>
    static SmtpCommand Auth(ReadOnlySpan<byte> arguments)
    {
        var space = arguments.IndexOfAny((byte)' ', (byte)'\t');
        var mechanism = space < 0 ? arguments : arguments[..space];
        if (mechanism.Length is 0 or > MaxMechanismOctets || mechanism.ContainsAnyExcept(s_mechanism))
        {
            return Syntax(SmtpVerb.Auth, "AUTH needs the name of a mechanism");
        }

        var name = Encoding.ASCII.GetString(mechanism).ToUpperInvariant();
        if (space < 0)
        {
            return new SmtpCommand.Auth(name, null);
        }

        var initial = arguments[space..].TrimStart(" \t"u8);
        if (initial.SequenceEqual("="u8))
        {
            return new SmtpCommand.Auth(name, ReadOnlyMemory<byte>.Empty);
        }

        return TryBase64(initial, out var octets)
            ? new SmtpCommand.Auth(name, octets)
            : new SmtpCommand.Malformed(SmtpVerb.Auth, NotBase64);
    }

    /// <summary>RFC 4954 §4: a response that cannot be decoded.</summary>
    internal static SmtpReply NotBase64 { get; } = new(501, new EnhancedStatus(5, 5, 2), "This is not base64");

    /// <summary>Strict base64 (RFC 4648 §4): no white space, padding where it belongs.</summary>
    internal static bool TryBase64(ReadOnlySpan<byte> text, out byte[] octets)
    {
        octets = [];
        if (text.ContainsAny(" \t\r\n"u8))
        {
            return false;
        }

        var decoded = new byte[Base64.GetMaxDecodedFromUtf8Length(text.Length)];
        if (Base64.DecodeFromUtf8(text, decoded, out _, out var written) is not OperationStatus.Done)
        {
            return false;
        }

        octets = written == decoded.Length ? decoded : decoded[..written];
        return true;
    }

    /// <summary>1 to 20 digits; what is larger than a <see cref="long"/> becomes the largest of them.</summary>
    internal static bool TryNumber(ReadOnlySpan<byte> text, out long number)
    {
        number = 0;
        if (text.Length is 0 or > MaxSizeDigits || text.IndexOfAnyExceptInRange((byte)'0', (byte)'9') >= 0)
        {
            return false;
        }

        if (!Utf8Parser.TryParse(text, out number, out _))
        {
            number = long.MaxValue;
        }

        return true;
    }

    static SmtpCommand NoParameters(SmtpVerb verb) => Syntax(verb, "This command takes no parameters");
}
