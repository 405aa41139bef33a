namespace Hopseal.Smtp.Mail;

/// <summary>One forward-path of an envelope, with what its sender wants to be told about it (RFC 3461 §4.1, §4.2).</summary>
/// <param name="Notify">Null when the client did not say: then failures and delays are reported (§4.1).</param>
/// <param name="Original">The recipient that the first client named; null when it did not say.</param>
public sealed record Recipient(Mailbox Mailbox, DsnNotify? Notify = null, OriginalRecipient? Original = null)
{
    /// <summary>A recipient about whom nothing was asked.</summary>
    public static implicit operator Recipient(Mailbox mailbox) => FromMailbox(mailbox);

    public static Recipient FromMailbox(Mailbox mailbox) => new(mailbox);

    /// <summary>The address, as it goes between angle brackets.</summary>
    public override string ToString() => Mailbox.ToString();
}

/// <summary>The NOTIFY parameter (RFC 3461 §4.1): when to report on a recipient.</summary>
[Flags]
public enum DsnNotify
{
    /// <summary>NEVER.</summary>
    Never = 0,
    Success = 1,
    Failure = 2,
    Delay = 4,
}

/// <summary>The ORCPT parameter (RFC 3461 §4.2), decoded.</summary>
/// <param name="AddressType">An atom, for example <c>rfc822</c> or <c>utf-8</c>.</param>
/// <param name="Address">Without xtext encoding. Never interpreted; reports quote it.</param>
public sealed record OriginalRecipient(string AddressType, string Address)
{
    const string Ascii = "rfc822";
    internal const string Unicode = "utf-8";

    /// <summary>A recipient as a typed address: <c>utf-8</c> where it is not ASCII (RFC 6533 §3).</summary>
    public static OriginalRecipient Of(Mailbox mailbox)
    {
        var address = mailbox.ToString();
        return new OriginalRecipient(System.Text.Ascii.IsValid(address) ? Ascii : Unicode, address);
    }

    /// <summary>Whether addresses of this type are Unicode.</summary>
    public static bool IsUnicode(string addressType) => string.Equals(addressType, Unicode, StringComparison.OrdinalIgnoreCase);

    /// <summary>As reports write it, in ASCII: <c>rfc822;user@example.org</c> (RFC 3464 §2.3.1, RFC 6533 §3).</summary>
    public override string ToString() => $"{AddressType};{(IsUnicode(AddressType) ? UnicodeAddress.ToAscii(Address) : Address)}";
}

/// <summary>The RET parameter (RFC 3461 §4.3): how much of the message a failure report brings back.</summary>
public enum DsnReturn
{
    Full,
    HeadersOnly,
}
