using System.Globalization;
using Hopseal.Configuration;
using Hopseal.Smtp.Tls;

namespace Hopseal.Commands.Import;

/// <summary>A list of TLS versions as <c>smtp_tls_protocols</c> has it (postconf(5)): names to include, names to exclude with <c>!</c>, bounds with
/// <c>&gt;=</c> and <c>&lt;=</c>, separated by colons.</summary>
static class PostfixProtocols
{
    static readonly string[] s_names = ["sslv2", "sslv3", "tlsv1", "tlsv1.1", "tlsv1.2", "tlsv1.3"];

    /// <summary>The least version of ours that it allows; null for the usual one.</summary>
    /// <param name="lost">Told what cannot be carried over.</param>
    public static TlsVersion? Least(string text, Action<string> lost)
    {
        if (Allowed(text) is not { } allowed)
        {
            lost($"{Shown.Text("protocols=" + text)} cannot be understood");
            return null;
        }

        switch (allowed[4], allowed[5])
        {
            case (false, true):
                return TlsVersion.Tls13;
            case (true, false):
                lost("TLS 1.3 cannot be left out");
                return null;
            case (false, false):
                lost($"{Shown.Text("protocols=" + text)} allows only versions that are not spoken here: TLS 1.2 and 1.3 are");
                return null;
            default:
                return null;
        }
    }

    /// <summary>By the place in the list of names; null when an element is none.</summary>
    static bool[]? Allowed(string text)
    {
        var (least, most) = (0, s_names.Length - 1);
        var included = new HashSet<int>();
        var excluded = new HashSet<int>();
        foreach (var element in text.ToLowerInvariant().Split(':', StringSplitOptions.RemoveEmptyEntries))
        {
            int? version = element switch
            {
                ['>' or '<', '=', .. var bound] => Place(bound) ?? Numbered(bound),
                ['!', .. var name] => Place(name),
                _ => Place(element),
            };
            if (version is not { } place)
            {
                return null;
            }

            switch (element[0])
            {
                case '>':
                    least = place;
                    break;
                case '<':
                    most = place;
                    break;
                case '!':
                    excluded.Add(place);
                    break;
                default:
                    included.Add(place);
                    break;
            }
        }

        var allowed = Enumerable.Range(0, s_names.Length)
            .Select(place => place >= least && place <= most && !excluded.Contains(place) && (included.Count == 0 || included.Contains(place)))
            .ToArray();

        // What lies above a gap is not offered either.
        var first = Array.IndexOf(allowed, true);
        var gap = first < 0 ? -1 : Array.IndexOf(allowed, false, first);
        for (var i = gap; i >= 0 && i < allowed.Length; i++)
        {
            allowed[i] = false;
        }

        return allowed;
    }

    static int? Place(string name) => Array.IndexOf(s_names, name) is >= 0 and var place ? place : null;

    /// <summary>0300 is SSLv3, and so on.</summary>
    static int? Numbered(string text)
    {
        var digits = text.StartsWith("0x", StringComparison.Ordinal) ? text[2..] : text;
        return int.TryParse(digits, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var number) && number is >= 0x300 and <= 0x304
            ? number - 0x300 + 1
            : null;
    }
}
