namespace Hopseal.Relay;

/// <summary>The field <c>TLS-Required</c> of a header section (RFC 8689 §3), read octet by octet. Its one value is <c>No</c>, in any case and
/// folded anyhow; any other means nothing. So do two fields, of which the standard allows one: nobody knows which of them the sender wrote.</summary>
sealed class TlsRequiredField
{
    int _fields;
    Value _value;

    /// <summary>Whether white space at the start of the next line goes on with it.</summary>
    public bool IsOpen { get; private set; }

    public bool SaysNo => _fields == 1 && _value is Value.No;

    /// <summary>The colon has been read.</summary>
    public void Begin()
    {
        _fields++;
        _value = Value.Nothing;
        IsOpen = true;
    }

    public void End() => IsOpen = false;

    /// <param name="octet">Of the value; never LF.</param>
    public void Take(byte octet) => _value = (_value, octet) switch
    {
        (Value.Nothing or Value.No, (byte)' ' or (byte)'\t' or (byte)'\r') => _value,
        (Value.Nothing, (byte)'n' or (byte)'N') => Value.N,
        (Value.N, (byte)'o' or (byte)'O') => Value.No,
        _ => Value.Other,
    };

    enum Value
    {
        Nothing,
        N,
        No,
        Other,
    }
}
