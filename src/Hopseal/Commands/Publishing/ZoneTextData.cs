using System.Globalization;

namespace Hopseal.Commands.Publishing;

/// <summary>Text as the data of a TXT record.</summary>
static class ZoneTextData
{
    const int MostOctets = 255;

    /// <summary>In quotes, in pieces of at most 255 octets (RFC 1035 §3.3.14, §5.1). Every char is an octet.</summary>
    public static string Quoted(string text) =>
        text.Length == 0 ? "\"\"" : string.Join(' ', text.Chunk(MostOctets).Select(piece => $"\"{string.Concat(piece.Select(Escaped))}\""));

    static string Escaped(char octet) => octet switch
    {
        '"' or '\\' => $"\\{octet}",
        >= ' ' and <= '~' => octet.ToString(),
        _ => string.Create(CultureInfo.InvariantCulture, $"\\{octet & 0xff:000}"),
    };
}
