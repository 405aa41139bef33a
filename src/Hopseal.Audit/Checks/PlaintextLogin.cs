using System.Collections.Immutable;

namespace Hopseal.Audit.Checks;

/// <summary>Whether a server asks for passwords before TLS, in the words of its protocol (RFC 8314 §3).</summary>
static class PlaintextLogin
{
    /// <summary>What offers it; null where nothing does.</summary>
    /// <param name="protocol">Its scheme.</param>
    /// <param name="capabilities">As listed before TLS.</param>
    public static string? Offered(string protocol, ImmutableArray<string> capabilities) => protocol switch
    {
        // LOGIN is always there, unless it is said to be off (RFC 9051 §6.2.3).
        "imap" => capabilities.FirstOrDefault(word => word.StartsWith("AUTH=", StringComparison.OrdinalIgnoreCase) && !word.EndsWith("=EXTERNAL", StringComparison.OrdinalIgnoreCase))
            ?? (capabilities.IsEmpty || capabilities.Contains("LOGINDISABLED", StringComparer.OrdinalIgnoreCase) ? null : "LOGIN, as LOGINDISABLED is not there"),
        "pop3" => capabilities.FirstOrDefault(line => line.Equals("USER", StringComparison.OrdinalIgnoreCase)) ?? Mechanisms(capabilities),
        "sieve" => Mechanisms(capabilities),
        _ => capabilities.FirstOrDefault(line => line.StartsWith("AUTH ", StringComparison.OrdinalIgnoreCase)),
    };

    /// <summary>A line without any mechanism says that there is none before TLS (RFC 5804 §1.7).</summary>
    static string? Mechanisms(ImmutableArray<string> capabilities) => capabilities.FirstOrDefault(line =>
        line.StartsWith("SASL ", StringComparison.OrdinalIgnoreCase) && line[5..].Trim() is { Length: > 0 } list && !list.Equals("EXTERNAL", StringComparison.OrdinalIgnoreCase));
}
