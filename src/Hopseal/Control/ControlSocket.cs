using System.Net.Sockets;
using System.Text;

namespace Hopseal.Control;

/// <summary>Where a running gateway is spoken to: a socket in its data directory, for its user (and root) only.</summary>
static class ControlSocket
{
    const string FileName = "control.sock";

    /// <summary>Of the path, without the NUL that ends it: 108 octets on Linux, 104 on macOS and BSD.</summary>
    static readonly int s_maxOctets = OperatingSystem.IsLinux() || OperatingSystem.IsWindows() ? 107 : 103;

    public static string PathIn(string directory) => Path.Combine(directory, FileName);

    /// <summary>Null when the socket's path fits; else why not, and what to do.</summary>
    public static string? Refuse(string directory)
    {
        var octets = Encoding.UTF8.GetByteCount(PathIn(directory));
        return octets <= s_maxOctets
            ? null
            : $"{directory} is too long: with /{FileName} it has {octets} octets, and the path of a socket has at most {s_maxOctets}";
    }

    public static UnixDomainSocketEndPoint EndPointIn(string directory) => new(PathIn(directory));

    public static Socket Create() => new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
}
