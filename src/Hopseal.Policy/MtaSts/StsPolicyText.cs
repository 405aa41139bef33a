using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Unicode;
using Hopseal.Dns;
using Hopseal.Smtp.Tls;

namespace Hopseal.Policy.MtaSts;

/// <summary>The text of a policy, as it is served at <c>/.well-known/mta-sts.txt</c> (RFC 8461 §3.2). Pure.</summary>
public static class StsPolicyText
{
    /// <summary>A longer one is refused (RFC 8461 §3.3).</summary>
    public const int MaxOctets = 64 * 1024;

    /// <summary>A policy with more host patterns is refused. Nobody has so many hosts; a few dozen policies as large as their octets allow would push all
    /// others out of what is kept, and with them the protection of whoever published those.</summary>
    public const int MostPatterns = 256;

    /// <summary>RFC 8461 §3.2.</summary>
    public static readonly TimeSpan LongestMaxAge = TimeSpan.FromSeconds(31_557_600);

    const int IdOctets = 10;
    const int MostKeyCharacters = 32;
    const string Version = "STSv1";
    const string Wildcard = "*.";

    /// <summary>Lines end in LF or CRLF, unknown keys are passed over, and of a key that is there twice the first counts, save <c>mx</c>.
    /// More than the longest max_age is taken as that. A byte order mark at the start, blank lines and U-labels are forgiven: to
    /// refuse such a policy would protect less than to follow it.</summary>
    /// <param name="id">Of the record that announced it.</param>
    /// <param name="fault">An <see cref="TlsResultType.StsPolicyInvalid"/>.</param>
    public static bool TryParse(
        ReadOnlySpan<byte> octets, string id, [NotNullWhen(true)] out StsPolicy? policy, [NotNullWhen(false)] out TlsFailure? fault)
    {
        policy = null;
        if (octets.Length > MaxOctets)
        {
            fault = Invalid("too-large", $"is larger than {MaxOctets} octets");
            return false;
        }

        if (!Utf8.IsValid(octets))
        {
            fault = Invalid("not-utf8", "is not UTF-8");
            return false;
        }

        var draft = new Draft();
        foreach (var line in Encoding.UTF8.GetString(octets).TrimStart('\uFEFF').Split('\n'))
        {
            if ((fault = draft.Take(line.EndsWith('\r') ? line[..^1] : line)) is not null)
            {
                return false;
            }
        }

        policy = draft.Finish(id, out fault);
        return policy is not null;
    }

    /// <summary>Lines end in CRLF.</summary>
    public static string Write(StsPolicy policy)
    {
        ArgumentNullException.ThrowIfNull(policy);
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"version: {Version}\r\nmode: {Write(policy.Mode)}\r\n");
        foreach (var pattern in policy.Mx)
        {
            text.Append(CultureInfo.InvariantCulture, $"mx: {pattern}\r\n");
        }

        return text.Append(CultureInfo.InvariantCulture, $"max_age: {(long)policy.MaxAge.TotalSeconds}\r\n").ToString();
    }

    /// <summary>The id to announce a policy of our own with: made of its text, so that the same text has the same id on every machine, and
    /// another text has another one. It may be published only once that text is served (RFC 8461 §8.1).</summary>
    public static string IdOf(StsPolicy policy) =>
        Convert.ToHexStringLower(SHA256.HashData(Encoding.ASCII.GetBytes(Write(policy))).AsSpan(0, IdOctets));

    /// <summary>A name, or <c>*.</c> and a name; in A-labels and lower case.</summary>
    public static bool TryParsePattern(string text, [NotNullWhen(true)] out string? pattern)
    {
        ArgumentNullException.ThrowIfNull(text);
        var wildcard = text.StartsWith(Wildcard, StringComparison.Ordinal);
        pattern = DomainName.TryParse(wildcard ? text.AsSpan(Wildcard.Length) : text, out var name)
            ? (wildcard ? Wildcard : "") + name.Ascii
            : null;
        return pattern is not null;
    }

    /// <summary>The mode in the policy's words.</summary>
    public static string Write(StsMode mode) => mode switch
    {
        StsMode.None => "none",
        StsMode.Testing => "testing",
        StsMode.Enforce => "enforce",
    };

    static TlsFailure Invalid(string reason, string what) => new(TlsResultType.StsPolicyInvalid, reason, $"the MTA-STS policy {what}");

    /// <summary>What was read so far.</summary>
    sealed class Draft
    {
        const int MostDigits = 10;

        readonly HashSet<string> _mx = new(StringComparer.Ordinal);
        readonly ImmutableArray<string>.Builder _inOrder = ImmutableArray.CreateBuilder<string>();
        string? _version;
        string? _mode;
        string? _maxAge;

        public TlsFailure? Take(string line)
        {
            if (line.AsSpan().Trim(" \t").IsEmpty)
            {
                return null;
            }

            var colon = line.IndexOf(':', StringComparison.Ordinal);
            if (colon < 0 || !IsKey(line.AsSpan(0, colon)) || line.Any(IsControl))
            {
                return Invalid("malformed-line", $"has a line that is no key and value: {Shown(line)}");
            }

            var value = line[(colon + 1)..].Trim(' ', '\t');
            switch (line[..colon])
            {
                case "version":
                    _version ??= value;
                    break;
                case "mode":
                    _mode ??= value;
                    break;
                case "max_age":
                    _maxAge ??= value;
                    break;
                case "mx" when TryParsePattern(value, out var pattern):
                    if (_mx.Add(pattern))
                    {
                        _inOrder.Add(pattern);
                    }

                    return _mx.Count > MostPatterns ? Invalid("too-many-mx", $"names more than {MostPatterns} mx") : null;
                case "mx":
                    return Invalid("malformed-mx", $"has an mx that is no host name: {Shown(value)}");
            }

            return null;
        }

        public StsPolicy? Finish(string id, out TlsFailure? fault)
        {
            fault = null;
            StsMode? mode = _mode switch { "enforce" => StsMode.Enforce, "testing" => StsMode.Testing, "none" => StsMode.None, _ => null };
            if (_version is not Version)
            {
                fault = Invalid("unknown-version", _version is null ? "has no version" : $"has version {Shown(_version)}");
            }
            else if (mode is null)
            {
                fault = Invalid("unknown-mode", _mode is null ? "has no mode" : $"has mode {Shown(_mode)}");
            }
            else if (_maxAge is not { Length: > 0 and <= MostDigits } || _maxAge.Any(c => !char.IsAsciiDigit(c)))
            {
                fault = Invalid("malformed-max-age", _maxAge is null ? "has no max_age" : $"has max_age {Shown(_maxAge)}");
            }
            else if (_mx.Count == 0 && mode is not StsMode.None)
            {
                fault = Invalid("no-mx", "names no mx");
            }

            return fault is null ? new StsPolicy(mode!.Value, _inOrder.ToImmutable(), MaxAge(), id) : null;
        }

        TimeSpan MaxAge()
        {
            var seconds = TimeSpan.FromSeconds(long.Parse(_maxAge!, NumberStyles.None, CultureInfo.InvariantCulture));
            return seconds < LongestMaxAge ? seconds : LongestMaxAge;
        }

        static bool IsKey(ReadOnlySpan<char> text)
        {
            foreach (var c in text)
            {
                if (!char.IsAsciiLetterOrDigit(c) && c is not ('_' or '-' or '.'))
                {
                    return false;
                }
            }

            return text.Length is > 0 and <= MostKeyCharacters && char.IsAsciiLetterOrDigit(text[0]);
        }

        static bool IsControl(char c) => char.IsControl(c) && c != '\t';

        static string Shown(string text)
        {
            const int Most = 60;
            var plain = new string([.. text.Take(Most).Select(c => c is >= ' ' and <= '~' ? c : '?')]);
            return text.Length > Most ? plain + "…" : plain;
        }
    }
}
