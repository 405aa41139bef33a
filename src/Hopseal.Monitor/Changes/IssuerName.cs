namespace Hopseal.Monitor.Changes;

/// <summary>Who issued a certificate, as people know them: <c>CN=R11, O=Let's Encrypt, C=US</c> is Let's Encrypt R11.</summary>
static class IssuerName
{
    /// <summary>Authorities have many names to sign with, and change them: the organisation counts, where there is one.</summary>
    public static bool IsSame(string one, string other) => one == other || (Part(one, "O") is { } organisation && organisation == Part(other, "O"));

    public static string Of(string name) => (Part(name, "O"), Part(name, "CN")) switch
    {
        ({ } organisation, { } common) when !common.StartsWith(organisation, StringComparison.OrdinalIgnoreCase) => $"{organisation} {common}",
        (_, { } common) => common,
        ({ } organisation, null) => organisation,
        _ => name,
    };

    /// <summary>The first value of an attribute; values with commas stand in quotation marks.</summary>
    static string? Part(string name, string attribute)
    {
        var rest = name.AsSpan();
        while (!rest.IsEmpty)
        {
            var equals = rest.IndexOf('=');
            if (equals < 0)
            {
                return null;
            }

            var key = rest[..equals].Trim();
            rest = rest[(equals + 1)..];
            var quoted = rest is ['"', ..];
            var end = quoted ? Closing(rest) : rest.IndexOf(',');
            var value = end < 0 ? rest : rest[..end];
            if (key.Equals(attribute, StringComparison.OrdinalIgnoreCase))
            {
                return quoted ? value[1..(end < 0 ? value.Length : end - 1)].ToString().Replace("\"\"", "\"", StringComparison.Ordinal) : value.Trim().ToString();
            }

            rest = end < 0 ? [] : rest[end..].TrimStart("\", ");
        }

        return null;
    }

    /// <summary>Behind the quotation mark that ends it; two together are one in the value.</summary>
    static int Closing(ReadOnlySpan<char> text)
    {
        for (var at = 1; at < text.Length; at++)
        {
            if (text[at] == '"')
            {
                if (at + 1 < text.Length && text[at + 1] == '"')
                {
                    at++;
                }
                else
                {
                    return at + 1;
                }
            }
        }

        return -1;
    }
}
