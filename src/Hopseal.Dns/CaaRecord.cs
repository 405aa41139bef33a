namespace Hopseal.Dns;

/// <summary>Who may issue certificates (RFC 8659 §4.1), as published and unjudged.</summary>
/// <param name="Flags">Bit 0, 128: whoever does not know the tag must not issue.</param>
/// <param name="Tag"><c>issue</c>, <c>issuewild</c>, <c>iodef</c> or another, in lower case: they compare without case (RFC 8659 §4.1).</param>
/// <param name="Value">Whatever octets somebody published.</param>
public sealed record CaaRecord(byte Flags, string Tag, string Value)
{
    /// <summary>In the presentation format (RFC 8659 §4.1.1), for example <c>0 issue "ca.example"</c>.</summary>
    public override string ToString() => $"{Flags} {Tag} \"{Value}\"";
}
