using System.Runtime.CompilerServices;
using Hopseal.Control;

namespace Hopseal.Commands;

/// <summary>The way to what only a running gateway does. What a stopped one's files can say as well goes by <see cref="Queue.QueueAccess"/>.</summary>
static class GatewayAccess
{
    /// <param name="file">The configuration; null: local mode.</param>
    /// <exception cref="ControlException">No gateway runs, or it says no.</exception>
    public static async IAsyncEnumerable<ControlLine> AskAsync(
        string? file, ControlRequest request, Terminal terminal, [EnumeratorCancellation] CancellationToken cancel)
    {
        var directory = ConfigurationArgument.DataDirectory(file, terminal);
        var gateway = await ControlClient.ConnectAsync(directory, cancel) ?? throw new ControlException($"no gateway runs on {directory}");
        await foreach (var line in ControlClient.AskAsync(gateway, request, terminal.Clock, cancel))
        {
            yield return line is ControlLine.Fault fault ? throw new ControlException(fault.Why) : line;
        }
    }
}
