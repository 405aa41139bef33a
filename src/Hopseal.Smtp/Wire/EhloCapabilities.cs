using System.Collections.Frozen;

namespace Hopseal.Smtp.Wire;

/// <summary>What a server offered in its last EHLO reply (RFC 5321 §4.1.1.1). Immutable: a second EHLO makes a new one, so
/// nothing offered before TLS is remembered after it (RFC 3207 §4.2).</summary>
public sealed class EhloCapabilities
{
    readonly FrozenDictionary<string, string> _keywords;

    EhloCapabilities(FrozenDictionary<string, string> keywords) => _keywords = keywords;

    /// <summary>A server that answered HELO only.</summary>
    public static EhloCapabilities None { get; } = new(FrozenDictionary<string, string>.Empty);

    public static EhloCapabilities Parse(SmtpReply reply)
    {
        var keywords = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        foreach (var line in reply.Lines.Skip(1))
        {
            var text = line.Trim();
            var space = text.IndexOf(' ', StringComparison.Ordinal);
            var keyword = space < 0 ? text : text[..space];
            if (keyword.Length > 0)
            {
                keywords.TryAdd(keyword, space < 0 ? "" : text[(space + 1)..].Trim());
            }
        }

        return new EhloCapabilities(keywords.ToFrozenDictionary(StringComparer.OrdinalIgnoreCase));
    }

    public bool StartTls => _keywords.ContainsKey("STARTTLS");

    public bool Pipelining => _keywords.ContainsKey("PIPELINING");

    public bool EightBitMime => _keywords.ContainsKey("8BITMIME");

    public bool SmtpUtf8 => _keywords.ContainsKey("SMTPUTF8");

    public bool Chunking => _keywords.ContainsKey("CHUNKING");

    /// <summary>BINARYMIME is only of use together with CHUNKING (RFC 3030 §3).</summary>
    public bool BinaryMime => Chunking && _keywords.ContainsKey("BINARYMIME");

    /// <summary>The server takes RET, ENVID, NOTIFY and ORCPT, and with them the duty to report (RFC 3461 §3).</summary>
    public bool Dsn => _keywords.ContainsKey("DSN");

    /// <summary>The server promises to honour REQUIRETLS. It means something inside TLS only (RFC 8689 §2).</summary>
    public bool RequireTls => _keywords.ContainsKey("REQUIRETLS");

    public bool Size => _keywords.ContainsKey("SIZE");

    /// <summary>The largest message the server takes, in octets; null when it named none (RFC 1870 §4).</summary>
    public long? MaxSize =>
        _keywords.TryGetValue("SIZE", out var text) && long.TryParse(text, out var size) && size > 0 ? size : null;

    /// <summary>SASL mechanisms, upper case (RFC 4954 §3).</summary>
    public IReadOnlyList<string> AuthMechanisms =>
        _keywords.TryGetValue("AUTH", out var text)
            ? text.ToUpperInvariant().Split(' ', StringSplitOptions.RemoveEmptyEntries)
            : [];

    /// <summary>The keywords as offered, for a person.</summary>
    public override string ToString() =>
        string.Join(", ", _keywords.Select(pair => pair.Value.Length == 0 ? pair.Key : $"{pair.Key} {pair.Value}"));
}
