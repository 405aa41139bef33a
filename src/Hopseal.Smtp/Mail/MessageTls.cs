namespace Hopseal.Smtp.Mail;

/// <summary>The sender's word on transport security for one message (RFC 8689).</summary>
public enum MessageTls
{
    /// <summary>Nothing said: what the recipient's side published and what the operators configured decides.</summary>
    Unspecified,

    /// <summary><c>MAIL FROM:&lt;…&gt; REQUIRETLS</c>: never without authenticated TLS, and only to hosts that promise the same
    /// (RFC 8689 §4.2.1).</summary>
    Required,

    /// <summary>The header field <c>TLS-Required: No</c>: rather delivered than protected (RFC 8689 §3, §4.2.2).</summary>
    Optional,
}
