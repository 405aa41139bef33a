using System.Net;

namespace Hopseal.Configuration;

/// <summary>An address with a port, as people write it: <c>192.0.2.1:25</c>, <c>[2001:db8::1]:25</c>.</summary>
static class EndpointText
{
    /// <param name="defaultPort">Where none is written; without, such an endpoint has the port 0.</param>
    /// <returns>Null where it is none.</returns>
    public static IPEndPoint? Parse(string text, int? defaultPort = null)
    {
        if (!IPEndPoint.TryParse(text, out var endpoint) || !LooksLikeAddress(text))
        {
            return null;
        }

        return endpoint.Port == 0 && !text.EndsWith(":0", StringComparison.Ordinal) && defaultPort is { } port ? new IPEndPoint(endpoint.Address, port) : endpoint;
    }

    /// <summary>The platform also takes "1", "0x7f000001" and "127.1": whoever writes that means something else.</summary>
    public static bool LooksLikeAddress(string text) =>
        (text.Contains(':', StringComparison.Ordinal) && text.StartsWith('['))
        || text.Count(c => c == ':') > 1
        || (text.Split(':')[0].Split('.') is { Length: 4 } parts && parts.All(part => part.Length is > 0 and < 4 && part.All(char.IsAsciiDigit) && (part.Length == 1 || part[0] != '0')));
}
