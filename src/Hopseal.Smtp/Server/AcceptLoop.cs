using System.Net.Sockets;

namespace Hopseal.Smtp.Server;

/// <summary>Accepts until it is told to stop. An error of one accept is no error of the next: a server that runs out of file
/// descriptors must be there again as soon as it has some.</summary>
sealed class AcceptLoop(Func<CancellationToken, ValueTask<Socket>> accept, Action<Socket> begin, TimeProvider clock)
{
    static readonly TimeSpan s_pause = TimeSpan.FromMilliseconds(100);

    /// <summary>Accepts that failed for want of a resource.</summary>
    public long Failures { get; private set; }

    public async Task RunAsync(CancellationToken stopping)
    {
        while (!stopping.IsCancellationRequested)
        {
            try
            {
                begin(await accept(stopping));
            }
            catch (OperationCanceledException) when (stopping.IsCancellationRequested)
            {
                return;
            }
            catch (SocketException error) when (error.SocketErrorCode is SocketError.ConnectionAborted or SocketError.ConnectionReset)
            {
                // The client was gone before we looked.
            }
            catch (SocketException)
            {
                // EMFILE, ENFILE, ENOBUFS: trying again at once would only burn the processor.
                Failures++;
                await Task.Delay(s_pause, clock, stopping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }
}
