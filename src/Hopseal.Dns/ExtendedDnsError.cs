using System.Buffers.Binary;
using System.Text;
using DnsClient;
using DnsClient.Protocol.Options;

namespace Hopseal.Dns;

/// <summary>What a server adds to a response code: why (RFC 8914).</summary>
static class ExtendedDnsError
{
    const int OptionCode = 15;
    const int LongestText = 200;

    // RFC 8914 §5.2, by number.
    static readonly string[] s_meanings =
    [
        "other error", "unsupported DNSKEY algorithm", "unsupported DS digest type", "stale answer", "forged answer",
        "DNSSEC indeterminate", "DNSSEC bogus", "signature expired", "signature not yet valid", "DNSKEY missing",
        "RRSIGs missing", "no zone key bit set", "NSEC missing", "cached error", "not ready", "blocked", "censored",
        "filtered", "prohibited", "stale NXDOMAIN answer", "not authoritative", "not supported", "no reachable authority",
        "network error", "invalid data",
    ];

    /// <summary>The upper eight bits of the response code, in their place; 0 without an OPT record.</summary>
    public static int UpperCode(IDnsQueryResponse response) =>
        response.Additionals.OfType<OptRecord>().FirstOrDefault() is { } opt ? (int)((uint)opt.InitialTimeToLive >> 24) << 4 : 0;

    /// <summary>For example <c>DNSSEC bogus (EDE 6): signature crypto failed</c>; null when the server gave no reason.</summary>
    public static string? Describe(IDnsQueryResponse response)
    {
        ReadOnlySpan<byte> options = response.Additionals.OfType<OptRecord>().FirstOrDefault()?.Data;
        while (options.Length >= 4)
        {
            var code = BinaryPrimitives.ReadUInt16BigEndian(options);
            var length = BinaryPrimitives.ReadUInt16BigEndian(options[2..]);
            options = options[4..];
            if (length > options.Length)
            {
                return null;
            }

            if (code == OptionCode && length >= 2)
            {
                return Describe(BinaryPrimitives.ReadUInt16BigEndian(options), options[2..length]);
            }

            options = options[length..];
        }

        return null;
    }

    static string Describe(int info, ReadOnlySpan<byte> text)
    {
        var meaning = info < s_meanings.Length ? s_meanings[info] : "extended error";
        var words = new StringBuilder($"{meaning} (EDE {info})");
        if (!text.IsEmpty)
        {
            words.Append(": ");
            foreach (var rune in Encoding.UTF8.GetString(text[..Math.Min(text.Length, LongestText)]).EnumerateRunes())
            {
                // It ends up in logs and on terminals.
                words.Append(Rune.IsControl(rune) ? "?" : rune.ToString());
            }
        }

        return words.ToString();
    }
}
