using System.Net.Sockets;

namespace Hopseal;

/// <summary>Why a port cannot be listened on, in words.</summary>
static class ListenFault
{
    public static string Describe(SocketException fault) => fault.SocketErrorCode switch
    {
        SocketError.AddressAlreadyInUse => "another program does already",
        SocketError.AccessDenied => "no permission; a port below 1024 needs root or CAP_NET_BIND_SERVICE",
        SocketError.AddressNotAvailable => "this machine does not have that address",
        _ => fault.Message,
    };
}
