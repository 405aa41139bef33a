using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Net;
using System.Net.Sockets;

namespace Hopseal.Policy;

/// <summary>A host written as its address: <c>[192.0.2.1]</c>, <c>[IPv6:2001:db8::1]</c> (RFC 5321 §4.1.3).</summary>
static class AddressLiteral
{
    const string IPv6Tag = "IPv6:";
    static readonly SearchValues<char> s_ipv6Characters = SearchValues.Create("0123456789abcdefABCDEF:.");

    public static bool TryParse(string text, [NotNullWhen(true)] out IPAddress? address)
    {
        address = null;
        if (text is not ['[', .. var inner, ']'])
        {
            return false;
        }

        if (inner.StartsWith(IPv6Tag, StringComparison.OrdinalIgnoreCase))
        {
            // Checked first: the parser also takes brackets, ports and zone identifiers.
            var digits = inner.AsSpan(IPv6Tag.Length);
            return !digits.ContainsAnyExcept(s_ipv6Characters)
                && IPAddress.TryParse(digits, out address)
                && address.AddressFamily == AddressFamily.InterNetworkV6;
        }

        // Four decimal numbers and nothing else: the parser also takes hexadecimal, octal and shortened forms.
        return IPAddress.TryParse(inner, out address)
            && address.AddressFamily == AddressFamily.InterNetwork
            && address.ToString() == inner;
    }

    public static string Write(IPAddress address) =>
        address.AddressFamily == AddressFamily.InterNetworkV6 ? $"[{IPv6Tag}{address}]" : $"[{address}]";
}
