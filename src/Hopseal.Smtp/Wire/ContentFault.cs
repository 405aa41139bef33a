namespace Hopseal.Smtp.Wire;

/// <summary>What makes a message impossible to pass on unchanged.</summary>
public enum ContentFault
{
    None,

    /// <summary>A CR or LF outside CRLF (RFC 5321 §2.3.8). Another server might take it for a line end, and what stands
    /// behind it for the end of the message.</summary>
    BareLineBreak,

    /// <summary>RFC 5321 §4.5.2 and RFC 5322 §4.1: some servers drop it, others stop there.</summary>
    Nul,
}
