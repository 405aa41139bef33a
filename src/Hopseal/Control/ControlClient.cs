using System.Net.Sockets;
using System.Runtime.CompilerServices;

namespace Hopseal.Control;

/// <summary>Asks a running gateway.</summary>
static class ControlClient
{
    /// <summary>Between two lines of the answer; a change of a whole large queue sends none before it is done.</summary>
    static readonly TimeSpan s_answerTimeout = TimeSpan.FromMinutes(10);

    /// <summary>Null when nobody listens there.</summary>
    /// <exception cref="ControlException">Somebody may, but cannot be reached.</exception>
    public static async Task<Socket?> ConnectAsync(string directory, CancellationToken cancel)
    {
        if (ControlSocket.Refuse(directory) is { } why)
        {
            throw new ControlException(why);
        }

        var socket = ControlSocket.Create();
        try
        {
            await socket.ConnectAsync(ControlSocket.EndPointIn(directory), cancel);
            return socket;
        }
        catch (SocketException e)
        {
            socket.Dispose();
            return e.SocketErrorCode switch
            {
                // No such file, or one that a gateway which was killed has left.
                SocketError.AddressNotAvailable or SocketError.ConnectionRefused => null,
                _ when !File.Exists(ControlSocket.PathIn(directory)) && Directory.Exists(directory) => null,
                SocketError.AccessDenied => throw new ControlException(
                    $"{ControlSocket.PathIn(directory)}: no permission; ask as the user the gateway runs as, or as root", e),
                _ => throw new ControlException($"{ControlSocket.PathIn(directory)}: {e.Message}", e),
            };
        }
    }

    /// <summary>The lines of the answer, the last one included.</summary>
    /// <exception cref="ControlException">The connection broke, or the answer is none.</exception>
    public static async IAsyncEnumerable<ControlLine> AskAsync(
        Socket connected, ControlRequest request, TimeProvider clock, [EnumeratorCancellation] CancellationToken cancel)
    {
        await using var stream = new NetworkStream(connected, ownsSocket: true);
        await using var lines = new JsonLines(stream);
        lines.Add(request, ControlJson.Default.ControlRequest);
        ControlLine line;
        do
        {
            line = await ExchangeAsync(lines, clock, cancel);
            yield return line;
        }
        while (!line.IsLast);
    }

    /// <summary>Sends what there is to send, and reads one line.</summary>
    static async Task<ControlLine> ExchangeAsync(JsonLines lines, TimeProvider clock, CancellationToken cancel)
    {
        using var time = new CancellationTokenSource(s_answerTimeout, clock);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(time.Token, cancel);
        try
        {
            await lines.SendAsync(limit.Token);
            return await lines.ReadAsync(ControlJson.Default.ControlLine, ControlLine.MaxOctets, limit.Token)
                ?? throw new ControlException("the gateway ended the connection before its answer was complete");
        }
        catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
        {
            throw new ControlException("the gateway does not answer");
        }
        catch (Exception e) when (e is IOException or SocketException)
        {
            throw new ControlException($"the gateway cannot be asked: {e.Message}", e);
        }
    }
}

/// <summary>The gateway or its queue could not be reached; the message is one line for the operator.</summary>
sealed class ControlException(string message, Exception? inner = null) : Exception(message, inner);
