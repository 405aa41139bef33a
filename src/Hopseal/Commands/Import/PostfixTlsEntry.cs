using System.Collections.Immutable;
using System.Globalization;
using Hopseal.Configuration;
using Hopseal.Dns;
using Hopseal.Policy;
using Hopseal.Smtp.Tls;

namespace Hopseal.Commands.Import;

/// <summary>One entry of the table while it is read.</summary>
/// <param name="note">Told what cannot be carried over (true), and what is worth knowing (false).</param>
sealed class PostfixTlsEntry(PostfixEntry entry, Action<bool, string> note)
{
    const int MostAttributes = 100;

    static readonly char[] s_separators = [' ', '\t', ','];

    /// <summary>Null when it needs none, or cannot be one; that has been noted.</summary>
    public ImportedRule? Rule()
    {
        var words = entry.Value.Split(s_separators, StringSplitOptions.RemoveEmptyEntries);
        var level = words is [var first, ..] ? first.ToLowerInvariant() : "";
        var attributes = Attributes(words.Skip(1));
        if (attributes is null || Destination() is not { } destination)
        {
            return null;
        }

        return level switch
        {
            "none" => Loss("left out: nothing here turns TLS off for a destination; it is used where it is offered"),
            "may" => Nothing("needs no rule: TLS is used where it is offered", attributes),
            "dane" => Nothing("needs no rule: DANE is always followed", attributes),
            "encrypt" => Encrypt(destination, attributes),
            "dane-only" => DaneOnly(destination, attributes),
            "fingerprint" => Fingerprint(destination, attributes),
            "verify" => Named(destination, attributes, ["hostname"]),
            "secure" => Named(destination, attributes, ["nexthop", "dot-nexthop"]),
            _ => Loss($"left out: {Shown.Text(level)} is no level"),
        };
    }

    /// <summary>A rule knows no port, and needs no brackets: it is for the domain of a recipient and for a next hop.</summary>
    string? Destination()
    {
        var key = entry.Key;
        var close = key.LastIndexOf(']');
        var colon = key.LastIndexOf(':');
        if (colon > close && IsPort(key[(colon + 1)..]))
        {
            note(false, $"{Shown.Text(key[colon..])}: a rule knows no port, and holds for each");
            key = key[..colon];
        }

        if (key is ['[', .. var host, ']'])
        {
            if (OperatorRules.IsDestination(key))
            {
                return key;
            }

            key = host;
        }

        if (key is ['.', .. var parent] && DomainName.TryParse(parent, out var above))
        {
            return $"*.{above}";
        }

        if (DomainName.TryParse(key, out var name))
        {
            return name.Ascii;
        }

        Loss($"left out: {Shown.Text(entry.Key)} is no domain and no next hop");
        return null;
    }

    /// <summary>A number, or the name of a service that mail goes to.</summary>
    static bool IsPort(string text) => text is "smtp" or "submission" or "submissions" or "smtps" or "urd"
        || (ushort.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number > 0);

    /// <summary>Null when one is none. Those that cannot be carried over are noted, and not among them.</summary>
    List<(string Name, string Value)>? Attributes(IEnumerable<string> words)
    {
        var attributes = new List<(string Name, string Value)>();
        foreach (var word in words)
        {
            var equals = word.IndexOf('=', StringComparison.Ordinal);
            var name = equals < 0 ? word : word[..equals].ToLowerInvariant();
            if (equals < 0 || attributes.Count == MostAttributes)
            {
                Loss(equals < 0 ? $"left out: {Shown.Text(word)} is no attribute" : $"left out: it has more than {MostAttributes} attributes");
                return null;
            }

            switch (name)
            {
                case "match" or "protocols" or "tafile":
                    attributes.Add((name, word[(equals + 1)..]));
                    break;
                case "connection_reuse":
                    note(false, "connection_reuse: sessions with TLS are always kept for a while");
                    break;
                default:
                    note(true, $"{Shown.Text(word)} cannot be carried over");
                    break;
            }
        }

        return attributes;
    }

    ImportedRule? Nothing(string why, List<(string Name, string Value)> attributes)
    {
        note(false, why);
        Unused(attributes);
        return null;
    }

    ImportedRule Encrypt(string destination, List<(string Name, string Value)> attributes)
    {
        Unused(attributes, "protocols");
        return new ImportedRule(entry.Line, destination, SecurityFloor.Encrypted) { MinimumVersion = Version(attributes) };
    }

    ImportedRule DaneOnly(string destination, List<(string Name, string Value)> attributes)
    {
        Unused(attributes, "protocols");
        note(true, "dane-only became Authenticated: where there are no TLSA records, a valid certificate for the right name is enough");
        return new ImportedRule(entry.Line, destination, SecurityFloor.Authenticated) { MinimumVersion = Version(attributes) };
    }

    ImportedRule? Fingerprint(string destination, List<(string Name, string Value)> attributes)
    {
        Unused(attributes, "match", "protocols");
        var written = Values(attributes, "match").SelectMany(value => value.Split('|', StringSplitOptions.RemoveEmptyEntries)).ToArray();
        var pins = ImmutableArray.CreateBuilder<CertificatePin>();
        foreach (var text in written)
        {
            // Postfix compares with the certificate and with its key.
            if (CertificatePin.TryParse("sha256:" + text, out var certificate) && CertificatePin.TryParse("spki-sha256:" + text, out var key))
            {
                pins.AddRange(certificate, key);
            }
            else
            {
                note(true, $"{Shown.Text(text)} is no SHA-256 fingerprint: make one anew");
            }
        }

        if (pins.Count == 0)
        {
            return Loss(written.Length == 0
                ? "left out: it names no fingerprint, and smtp_tls_fingerprint_cert_match of main.cf is not read"
                : "left out: none of its fingerprints can be used");
        }

        return new ImportedRule(entry.Line, destination, SecurityFloor.Authenticated)
        {
            Fingerprints = [.. pins.Distinct()],
            MinimumVersion = Version(attributes),
        };
    }

    /// <summary>Levels that check a name. The next hop itself, and MX hosts within the recipient domain, need none written down.</summary>
    ImportedRule Named(string destination, List<(string Name, string Value)> attributes, string[] standard)
    {
        var written = Values(attributes, "match").SelectMany(value => value.Split(':', StringSplitOptions.RemoveEmptyEntries)).ToArray();
        var names = ImmutableArray.CreateBuilder<string>();
        foreach (var word in written.Length == 0 ? standard : written)
        {
            switch (word.ToLowerInvariant())
            {
                case "nexthop":
                    break;
                case "hostname" when entry.Key[0] is '[':
                    break;
                case "hostname":
                    note(true, "hostname: the name of an MX host counts only where DNSSEC, or the recipient domain that it lies in, vouches for it");
                    break;
                case "dot-nexthop" when destination[0] is '*' or '[' || entry.Key[0] is '[':
                    break;
                case "dot-nexthop":
                    names.Add("*." + destination);
                    break;
                case ['.', .. var parent] when DomainName.TryParse(parent, out var above):
                    note(false, $"{word}: stands for one label here, as in a certificate");
                    names.Add($"*.{above}");
                    break;
                case var text when DomainName.TryParse(text, out var name):
                    names.Add(name.Ascii);
                    break;
                default:
                    note(true, $"{Shown.Text(word)} is no name that a certificate could be for");
                    break;
            }
        }

        return new ImportedRule(entry.Line, destination, SecurityFloor.Authenticated)
        {
            Names = [.. names.Distinct()],
            Roots = [.. Values(attributes, "tafile").Where(file => file.Length > 0).Distinct()],
            MinimumVersion = Version(attributes),
        };
    }

    TlsVersion? Version(List<(string Name, string Value)> attributes) => Values(attributes, "protocols").LastOrDefault() is { Length: > 0 } text
        ? PostfixProtocols.Least(text, words => note(true, words))
        : null;

    /// <summary>Attributes that say nothing at this level, or cannot be carried over at it.</summary>
    void Unused(List<(string Name, string Value)> attributes, params string[] used)
    {
        foreach (var (name, value) in attributes.Where(attribute => !used.Contains(attribute.Name)))
        {
            note(true, $"{Shown.Text(string.Create(CultureInfo.InvariantCulture, $"{name}={value}"))} cannot be carried over at this level");
        }
    }

    ImportedRule? Loss(string words)
    {
        note(true, words);
        return null;
    }

    static IEnumerable<string> Values(List<(string Name, string Value)> attributes, string name) =>
        attributes.Where(attribute => attribute.Name == name).Select(attribute => attribute.Value);
}
