using Hopseal.Smtp.Tls;
using Hopseal.Smtp.Wire;

namespace Hopseal.Smtp.Client;

/// <summary>Why STARTTLS was not offered. Some firewalls overwrite what they do not want to be used, with letters X in the
/// EHLO reply and asterisks in the greeting, so that nobody's length changes: worth telling from a server without TLS.</summary>
public static class MaskedCapabilities
{
    const int MinMask = 4;
    const int MinGreetingMask = 8;

    internal static TlsFailure Explain(SmtpReply greeting, SmtpReply hello) => (Masked(greeting, hello), hello.IsPositive) switch
    {
        (true, _) => new TlsFailure(
            TlsResultType.StarttlsNotSupported, "starttls-masked", "something on the path overwrites what the server offers"),
        (_, false) => new TlsFailure(TlsResultType.StarttlsNotSupported, "starttls-not-offered", $"the server does not know EHLO: {hello}"),
        _ => new TlsFailure(TlsResultType.StarttlsNotSupported, "starttls-not-offered", "the server does not offer STARTTLS"),
    };

    static bool Masked(SmtpReply greeting, SmtpReply hello) =>
        greeting.Lines.Any(IsMaskedGreeting) || (hello.IsPositive && hello.Lines.Skip(1).Any(IsMask));

    /// <summary>A line of asterisks where the greeting was.</summary>
    public static bool IsMaskedGreeting(string line) => line.AsSpan().Count('*') >= MinGreetingMask;

    /// <summary><c>XXXX</c>, or <c>XXXXXXXA</c> with a letter behind.</summary>
    /// <param name="line">Of the reply to EHLO, without its code.</param>
    public static bool IsMask(string line)
    {
        ArgumentNullException.ThrowIfNull(line);
        var keyword = line.AsSpan().Trim();
        var end = keyword.IndexOf(' ');
        keyword = end < 0 ? keyword : keyword[..end];
        return keyword.Length >= MinMask && keyword[..^1].TrimStart('X').IsEmpty && char.IsAsciiLetterUpper(keyword[^1]);
    }
}
