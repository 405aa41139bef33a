namespace Hopseal.Reports.Tlsrpt.Receiving;

/// <summary>Lists of tags, as signatures and key records are written (RFC 6376 §3.2).</summary>
static class SignatureTags
{
    /// <summary>White space within values is left out; of a tag that comes twice, the first counts. What is no tag is skipped.</summary>
    public static Dictionary<string, string> Read(string text)
    {
        var tags = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var part in text.Split(';').Take(100))
        {
            if (part.IndexOf('=', StringComparison.Ordinal) is > 0 and var equals)
            {
                tags.TryAdd(part[..equals].Trim(), string.Concat(part[(equals + 1)..].Where(character => !char.IsWhiteSpace(character))));
            }
        }

        return tags;
    }
}
