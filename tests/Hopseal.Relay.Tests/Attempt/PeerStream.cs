using System.Text;

namespace Hopseal.Relay.Tests.Attempt;

/// <summary>How a scripted peer talks. Octet by octet: what follows a line may be the client's TLS.</summary>
static class PeerStream
{
    public static async ValueTask SayAsync(this Stream stream, string reply, CancellationToken stop)
    {
        await stream.WriteAsync(Encoding.UTF8.GetBytes(reply + "\r\n"), stop);
        await stream.FlushAsync(stop);
    }

    /// <summary>Null at the end of the connection.</summary>
    public static async ValueTask<string?> ReadLineAsync(this Stream stream, CancellationToken stop)
    {
        List<byte> line = [];
        var one = new byte[1];
        while (await stream.ReadAsync(one, stop) > 0)
        {
            if (one[0] == '\n')
            {
                return Encoding.UTF8.GetString([.. line]).TrimEnd('\r');
            }

            line.Add(one[0]);
        }

        return null;
    }
}
