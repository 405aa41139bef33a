using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Net;
using Hopseal.Dns;

namespace Hopseal.Audit.Targets;

/// <summary>What is audited: a domain with all its mail exchangers, or one host.</summary>
public abstract record AuditTarget
{
    const int MaxCharacters = 300;

    AuditTarget()
    {
    }

    /// <summary>Every address of every MX host, port 25.</summary>
    public sealed record Domain(DomainName Name) : AuditTarget
    {
        public override string ToString() => Name.Ascii;
    }

    /// <param name="Name">Asked for by SNI, and what certificates must be for; null for a bare address.</param>
    /// <param name="Address">Null: every address that the name has.</param>
    public sealed record Host(DomainName? Name, IPAddress? Address, int Port, MailProtocol Protocol) : AuditTarget
    {
        public override string ToString()
        {
            var host = Name?.Ascii ?? (Address is { AddressFamily: System.Net.Sockets.AddressFamily.InterNetworkV6 } six ? $"[{six}]" : $"{Address}");
            return $"{Protocol.Scheme}://{host}:{Port.ToString(CultureInfo.InvariantCulture)}";
        }
    }

    /// <summary>Reads <c>example.org</c>, <c>mx1.example.org:25</c>, <c>192.0.2.1:465</c>, <c>[2001:db8::1]:25</c>, or with a scheme,
    /// <c>imaps://mail.example.org</c>. Without a scheme the port says what is spoken there; without a port and a scheme it is a domain.</summary>
    /// <param name="why">For people, set where it is none.</param>
    public static bool TryParse(string text, [NotNullWhen(true)] out AuditTarget? target, [NotNullWhen(false)] out string? why)
    {
        ArgumentNullException.ThrowIfNull(text);
        (target, why) = Parse(text.Trim());
        return target is not null;
    }

    static (AuditTarget? Target, string? Why) Parse(string text)
    {
        if (text.Length is 0 or > MaxCharacters)
        {
            return (null, "it is empty or too long");
        }

        MailProtocol? protocol = null;
        var scheme = text.IndexOf("://", StringComparison.Ordinal);
        if (scheme >= 0)
        {
            protocol = MailProtocol.All.FirstOrDefault(known => known.Scheme.Equals(text[..scheme], StringComparison.OrdinalIgnoreCase));
            if (protocol is null)
            {
                return (null, $"its scheme is none of {string.Join(", ", MailProtocol.All.Select(known => known.Scheme))}");
            }

            text = text[(scheme + 3)..].TrimEnd('/');
        }

        if (!TrySplit(text, out var host, out var port))
        {
            return (null, "its port is not a number from 1 to 65535");
        }

        var address = Literal(host);
        if (address is null && protocol is null && port is null)
        {
            return DomainName.TryParse(host, out var domain) ? (new Domain(domain), null) : (null, "it is no domain name");
        }

        var spoken = protocol ?? MailProtocol.At(port ?? MailProtocol.Smtp.Port);
        var at = port ?? spoken.Port;
        return address is not null ? (new Host(null, address, at, spoken), null)
            : DomainName.TryParse(host, out var name) ? (new Host(name, null, at, spoken), null)
            : (null, "it is neither a host name nor an address");
    }

    static bool TrySplit(string text, out string host, out int? port)
    {
        host = text;
        port = null;
        var colon = text.LastIndexOf(':');
        var bracketed = text.StartsWith('[');
        if (colon < 0 || (!bracketed && text.IndexOf(':', StringComparison.Ordinal) != colon) || (bracketed && text[^1] == ']'))
        {
            return true;
        }

        host = text[..colon];
        var valid = int.TryParse(text.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            && number is > 0 and <= IPEndPoint.MaxPort;
        port = number;
        return valid;
    }

    static IPAddress? Literal(string host)
    {
        var bare = host is ['[', .., ']'] ? host[1..^1] : host;
        // IPAddress takes "1" and "0x7f.1" too, which nobody means.
        return IPAddress.TryParse(bare, out var address) && (bare.Contains(':', StringComparison.Ordinal) || bare.Count(c => c == '.') == 3) ? address : null;
    }
}
