using System.Collections.Immutable;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text.RegularExpressions;

namespace Hopseal.Dns;

/// <summary>Reads the text that <see cref="ZoneResolver"/> describes.</summary>
sealed partial class ZoneText
{
    readonly ImmutableArray<ZoneResolver.ZoneRecord>.Builder _records = ImmutableArray.CreateBuilder<ZoneResolver.ZoneRecord>();
    TimeSpan _ttl = TimeSpan.FromHours(1);
    bool _secure;

    ZoneText()
    {
    }

    /// <exception cref="FormatException">Names every line that cannot be read.</exception>
    public static ImmutableArray<ZoneResolver.ZoneRecord> Read(string text)
    {
        var zone = new ZoneText();
        var errors = new List<string>();
        var number = 0;
        foreach (var line in text.Split('\n'))
        {
            number++;
            // "\;" is no comment; no other character needs a backslash.
            var words = Comment().Replace(line, "").Replace("\\;", ";", StringComparison.Ordinal).Split((char[])[' ', '\t', '\r'], StringSplitOptions.RemoveEmptyEntries);
            if (words.Length > 0 && zone.ReadLine(words) is { } error)
            {
                errors.Add($"line {number}: {error}");
            }
        }

        return errors.Count == 0 ? zone._records.DrainToImmutable() : throw new FormatException(string.Join('\n', errors));
    }

    string? ReadLine(string[] words)
    {
        switch (words)
        {
            case ["$SECURE", "on" or "off"]:
                _secure = words[1] == "on";
                return null;
            case ["$SECURE", ..]:
                return "$SECURE is on or off";
            case ["$TTL", var seconds]:
                return TryTtl(seconds, out _ttl) ? null : $"not a TTL: {seconds}";
            case [['$', ..], ..]:
                return $"unknown directive {words[0]}";
            case [var owner, var ttl, var type, .. var data] when char.IsAsciiDigit(ttl[0]):
                return TryTtl(ttl, out var own) ? ReadRecord(owner, own, type, data) : $"not a TTL: {ttl}";
            case [var owner, var type, .. var data]:
                return ReadRecord(owner, _ttl, type, data);
            default:
                return "a record is: name [ttl] type data";
        }
    }

    string? ReadRecord(string ownerText, TimeSpan ttl, string typeText, string[] words)
    {
        if (!DomainName.TryParse(ownerText, out var owner))
        {
            return $"not a domain name: {ownerText}";
        }

        var type = typeText.ToUpperInvariant();
        var data = Data(type, words, out var error);
        if (data is null)
        {
            return error;
        }

        // RFC 1034 §3.6.2; what this resolver would answer otherwise would depend on the question.
        var others = _records.Where(other => other.Owner == owner && other.Type != "FAIL");
        if (type != "FAIL" && others.Any(other => type == "CNAME" || other.Type == "CNAME"))
        {
            return $"{owner} has a CNAME and something else";
        }

        _records.Add(new ZoneResolver.ZoneRecord(owner, type, data, ttl, _secure));
        return null;
    }

    static object? Data(string type, string[] words, out string error)
    {
        error = $"not the data of {type}: {string.Join(' ', words)}";
        switch (type)
        {
            case "MX" when words is [var number, var host]
                && ushort.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out var preference):
                return host == "." ? new MxRecord(preference, null)
                    : DomainName.TryParse(host, out var exchange) ? new MxRecord(preference, exchange)
                    : new MxRecord(preference, null, host);
            case "A" when Address(words, AddressFamily.InterNetwork) is { } address:
                return address;
            case "AAAA" when Address(words, AddressFamily.InterNetworkV6) is { } address:
                return address;
            case "CNAME" or "PTR" when words is [var text] && DomainName.TryParse(text, out var target):
                return target;
            case "TLSA" when Association(words) is { } tlsa:
                return tlsa;
            case "CAA" when words is [var flags, var tag, .. var value] && byte.TryParse(flags, NumberStyles.None, CultureInfo.InvariantCulture, out var octet):
                return new CaaRecord(octet, tag.ToLowerInvariant(), string.Join(' ', value).Trim('"'));
            case "TXT" when words.Length > 0:
                return string.Join(' ', words);
            case "FAIL" when words is ["MX" or "A" or "AAAA" or "CNAME" or "PTR" or "TLSA" or "CAA" or "TXT" or "ANY", .. var detail]:
                return new ZoneResolver.Failure(words[0], detail.Length == 0 ? "the zone says so" : string.Join(' ', detail));
            case "MX" or "A" or "AAAA" or "CNAME" or "PTR" or "TLSA" or "CAA" or "TXT" or "FAIL":
                return null;
            default:
                error = $"unknown type {type}";
                return null;
        }
    }

    static TlsaRecord? Association(string[] words)
    {
        if (words is not [var usage, var selector, var matching, .. var digits]
            || !byte.TryParse(usage, NumberStyles.None, CultureInfo.InvariantCulture, out var first)
            || !byte.TryParse(selector, NumberStyles.None, CultureInfo.InvariantCulture, out var second)
            || !byte.TryParse(matching, NumberStyles.None, CultureInfo.InvariantCulture, out var third))
        {
            return null;
        }

        var hex = string.Concat(digits);
        return hex.Length > 0 && hex.Length % 2 == 0 && hex.All(char.IsAsciiHexDigit)
            ? new TlsaRecord(first, second, third, [.. Convert.FromHexString(hex)])
            : null;
    }

    [GeneratedRegex(@"(?<!\\);.*", RegexOptions.CultureInvariant, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Comment();

    static IPAddress? Address(string[] words, AddressFamily family) =>
        words is [var text] && IPAddress.TryParse(text, out var address) && address.AddressFamily == family ? address : null;

    static bool TryTtl(string text, out TimeSpan ttl)
    {
        var valid = int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var seconds);
        ttl = TimeSpan.FromSeconds(seconds);
        return valid;
    }
}
