using System.Collections.Immutable;

namespace Hopseal.Audit.Targets;

/// <summary>What is spoken at a port, and how it becomes TLS.</summary>
/// <param name="Scheme">As it is written in a target.</param>
/// <param name="Port">The usual one.</param>
/// <param name="ImplicitTls">TLS from the first byte (RFC 8314 §3); otherwise by STARTTLS, or STLS in POP3.</param>
public sealed record MailProtocol(string Scheme, int Port, bool ImplicitTls)
{
    /// <summary>Between mail servers (RFC 3207).</summary>
    public static MailProtocol Smtp { get; } = new("smtp", 25, false);

    /// <summary>From mail programs (RFC 6409).</summary>
    public static MailProtocol Submission { get; } = new("submission", 587, false);

    public static MailProtocol Submissions { get; } = new("smtps", 465, true);

    public static MailProtocol Imap { get; } = new("imap", 143, false);

    public static MailProtocol Imaps { get; } = new("imaps", 993, true);

    public static MailProtocol Pop3 { get; } = new("pop3", 110, false);

    public static MailProtocol Pop3s { get; } = new("pop3s", 995, true);

    /// <summary>RFC 5804.</summary>
    public static MailProtocol Sieve { get; } = new("sieve", 4190, false);

    public static ImmutableArray<MailProtocol> All { get; } = [Smtp, Submission, Submissions, Imap, Imaps, Pop3, Pop3s, Sieve];

    /// <summary>SMTP at a port that none is usual at.</summary>
    public static MailProtocol At(int port) => All.FirstOrDefault(protocol => protocol.Port == port) ?? Smtp;
}
