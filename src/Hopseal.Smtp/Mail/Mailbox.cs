using Hopseal.Dns;

namespace Hopseal.Smtp.Mail;

/// <summary>A forward- or reverse-path without the angle brackets (RFC 5321 §4.1.2). The local part is kept as the client
/// wrote it, quotes included: only the final host may interpret it (§2.3.11).</summary>
/// <param name="LocalPart">1 to 64 octets of UTF-8; a quoted string keeps its quotes.</param>
/// <param name="Domain">Null when the client wrote an address literal; then <paramref name="AddressLiteral"/> holds it.</param>
/// <param name="AddressLiteral">For example <c>[192.0.2.1]</c> or <c>[IPv6:2001:db8::1]</c>.</param>
/// <param name="DomainText">The domain as the client wrote it, which may hold U-labels (RFC 6531 §3.2); null when it is
/// <paramref name="Domain"/> itself.</param>
public sealed record Mailbox(string LocalPart, DomainName? Domain, string? AddressLiteral = null, string? DomainText = null)
{
    /// <summary>As it goes between angle brackets.</summary>
    public override string ToString() => $"{LocalPart}@{DomainText ?? Domain?.Ascii ?? AddressLiteral}";

    /// <summary>True when this address can only be carried by SMTPUTF8 (RFC 6531 §3.4).</summary>
    public bool NeedsSmtpUtf8 => !System.Text.Ascii.IsValid(LocalPart) || !System.Text.Ascii.IsValid(DomainText ?? "");
}
