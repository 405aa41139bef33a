using System.Collections.Immutable;

namespace Hopseal.Smtp.Wire;

/// <summary>One reply, of one or more lines (RFC 5321 §4.2).</summary>
/// <param name="Code">200 to 599.</param>
/// <param name="Status">The enhanced code of the first line (RFC 2034 §3), if there was one.</param>
/// <param name="Lines">The text of each line, without code and enhanced code; at least one, possibly empty.</param>
public sealed record SmtpReply(int Code, EnhancedStatus? Status, ImmutableArray<string> Lines)
{
    public SmtpReply(int code, string text)
        : this(code, null, [text])
    {
    }

    public SmtpReply(int code, EnhancedStatus status, string text)
        : this(code, status, [text])
    {
    }

    public bool IsPositive => Code is >= 200 and < 300;

    /// <summary>Try again later (RFC 5321 §4.2.1).</summary>
    public bool IsTransient => Code is >= 400 and < 500;

    /// <summary>Do not try the same again (RFC 5321 §4.2.1).</summary>
    public bool IsPermanent => Code is >= 500 and < 600;

    /// <summary>The reply in one line, for logs and reports.</summary>
    public override string ToString() =>
        Status is { } status ? $"{Code} {status} {string.Join(" ", Lines)}" : $"{Code} {string.Join(" ", Lines)}";

    /// <summary>Lines as they go on the wire, without their CRLF.</summary>
    public IEnumerable<string> WireLines()
    {
        for (var i = 0; i < Lines.Length; i++)
        {
            var separator = i == Lines.Length - 1 ? ' ' : '-';
            yield return Status is { } status ? $"{Code}{separator}{status} {Lines[i]}" : $"{Code}{separator}{Lines[i]}";
        }
    }
}
