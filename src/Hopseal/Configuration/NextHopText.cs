using System.Globalization;
using System.Net;
using Hopseal.Dns;
using Hopseal.Policy;
using Hopseal.Smtp.Tls;

namespace Hopseal.Configuration;

/// <summary>A next hop as people write it: <c>host:port</c>, <c>smtp://host:port</c> (STARTTLS), <c>smtps://host:port</c> (TLS from
/// the first byte, RFC 8314 §3). An IPv6 address stands in brackets. Without a port: 25, or 465.</summary>
static class NextHopText
{
    public const string Forms = "host:port, smtp://host:port or smtps://host:port";

    public static NextHop? Parse(string text)
    {
        var start = TlsStart.StartTls;
        var rest = text.AsSpan();
        if (rest.StartsWith("smtps://", StringComparison.OrdinalIgnoreCase))
        {
            start = TlsStart.Implicit;
            rest = rest["smtps://".Length..];
        }
        else if (rest.StartsWith("smtp://", StringComparison.OrdinalIgnoreCase))
        {
            rest = rest["smtp://".Length..];
        }

        if (!TrySplit(rest, out var host, out var port, start is TlsStart.Implicit ? 465 : 25))
        {
            return null;
        }

        if (IPAddress.TryParse(host, out var address) && IsPlainAddress(host, address))
        {
            return new NextHop(null, address, port, start);
        }

        return DomainName.TryParse(host, out var name) ? new NextHop(name, null, port, start) : null;
    }

    /// <summary>As a setting; a fault and null when it is none.</summary>
    public static NextHop? NextHop(this Setting setting)
    {
        if (setting.Text() is not { } text)
        {
            return null;
        }

        var hop = Parse(text);
        if (hop is null)
        {
            setting.Error($"{Shown.Text(text)} is no next hop: write {Forms}");
        }

        return hop;
    }

    static bool TrySplit(ReadOnlySpan<char> text, out ReadOnlySpan<char> host, out int port, int defaultPort)
    {
        port = defaultPort;
        ReadOnlySpan<char> portText;
        if (text.StartsWith("["))
        {
            var close = text.IndexOf(']');
            host = close < 0 ? [] : text[1..close];
            portText = close < 0 ? [] : text[(close + 1)..];
            if (!portText.IsEmpty && portText[0] != ':' || !host.Contains(':'))
            {
                return false;
            }
        }
        else
        {
            var colon = text.IndexOf(':');
            host = colon < 0 ? text : text[..colon];
            portText = colon < 0 ? [] : text[colon..];
        }

        return !host.IsEmpty
            && (portText.IsEmpty
                || (int.TryParse(portText[1..], NumberStyles.None, CultureInfo.InvariantCulture, out port) && port is > 0 and <= 65535));
    }

    // IPAddress.TryParse also takes "127.1" and "0x7f.1".
    static bool IsPlainAddress(ReadOnlySpan<char> text, IPAddress address) =>
        text.Equals(address.ToString(), StringComparison.OrdinalIgnoreCase) || text.Contains(':');
}
