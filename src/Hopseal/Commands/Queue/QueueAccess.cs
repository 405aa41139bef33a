using System.CommandLine;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using System.Text.Json;
using Hopseal.Control;
using Hopseal.Relay.Queue;
using Hopseal.Relay.Stores.Sqlite;
using Microsoft.Extensions.Logging.Abstractions;

namespace Hopseal.Commands.Queue;

/// <summary>The way to the queue, and to what is remembered beside it: through the gateway when one runs, else to its store.</summary>
sealed class QueueAccess(Terminal terminal)
{
    const int Tries = 5;
    static readonly TimeSpan s_pause = TimeSpan.FromMilliseconds(500);

    readonly Option<string?> _config = ConfigurationArgument.OfData();

    /// <summary>Null: local mode.</summary>
    public Option<string?> Configuration => _config;

    public void AddTo(Command command) => command.Add(_config);

    /// <summary>The lines of the answer up to its end; the last one, which is not among them, is given to <paramref name="done"/>.</summary>
    /// <exception cref="ControlException">The queue could not be reached, or not to the end.</exception>
    /// <exception cref="UsageException">There is no such queue.</exception>
    public async IAsyncEnumerable<ControlLine> AskAsync(
        ParseResult parsed, ControlRequest request, Action<ControlLine.Done> done, [EnumeratorCancellation] CancellationToken cancel)
    {
        await foreach (var line in LinesAsync(ConfigurationArgument.DataDirectory(parsed.GetValue(_config), terminal), request, cancel))
        {
            switch (line)
            {
                case ControlLine.Done end:
                    done(end);
                    yield break;
                case ControlLine.Fault fault:
                    throw new ControlException(fault.Why);
                default:
                    yield return line;
                    break;
            }
        }
    }

    /// <summary>Has something done that is answered by its end alone.</summary>
    /// <inheritdoc cref="AskAsync"/>
    public async Task<ControlLine.Done> DoAsync(ParseResult parsed, ControlRequest request, CancellationToken cancel)
    {
        ControlLine.Done? end = null;
        await foreach (var _ in AskAsync(parsed, request, done => end = done, cancel))
        {
        }

        return end!;
    }

    /// <summary>Writes what is answered, one after the other.</summary>
    /// <param name="isMeant">What is not is left out.</param>
    /// <param name="write">For people; told whether it is the first.</param>
    /// <returns>The exit code: whether anything was written.</returns>
    /// <inheritdoc cref="AskAsync"/>
    public async Task<int> ListAsync<T>(
        ParseResult parsed, ControlCommand command, bool json, Func<T, bool> isMeant, Func<TextWriter, T, bool, Task> write, CancellationToken cancel)
        where T : ControlLine
    {
        var shown = 0;
        await foreach (var line in AskAsync(parsed, ControlRequest.Of(command), _ => { }, cancel))
        {
            if (line is not T one || !isMeant(one))
            {
                continue;
            }

            await (json ? terminal.Out.WriteLineAsync(JsonSerializer.Serialize(line, ControlJson.Default.ControlLine)) : write(terminal.Out, one, shown == 0));
            shown++;
        }

        return shown > 0 ? ExitCode.Done : ExitCode.No;
    }

    async IAsyncEnumerable<ControlLine> LinesAsync(
        string directory, ControlRequest request, [EnumeratorCancellation] CancellationToken cancel)
    {
        var (socket, store) = await ReachAsync(directory, cancel);
        if (socket is not null)
        {
            await foreach (var line in ControlClient.AskAsync(socket, request, terminal.Clock, cancel))
            {
                yield return line;
            }

            yield break;
        }

        await using (store)
        {
            await using var lines = OfStopped(directory, store!, request, cancel).GetAsyncEnumerator(cancel);
            while (await NextAsync(lines))
            {
                yield return lines.Current;
            }
        }
    }

    /// <summary>What the gateway would answer. The store is locked, so none starts meanwhile.</summary>
    IAsyncEnumerable<ControlLine> OfStopped(string directory, SqliteQueueStore store, ControlRequest request, CancellationToken cancel)
    {
        try
        {
            return request.Command switch
            {
                ControlCommand.TlsList or ControlCommand.TlsForget => TlsOperations.OfStopped(directory, terminal.Clock).RunAsync(request, cancel),
                ControlCommand.RequireList or ControlCommand.RequireAdd or ControlCommand.RequireRemove =>
                    RequireOperations.OfStopped(directory, terminal.Clock).RunAsync(request, cancel),
                _ => new QueueOperations(store, terminal.Clock, NullLogger<QueueOperations>.Instance).RunAsync(request, cancel),
            };
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or InvalidDataException)
        {
            throw new ControlException(e.Message, e);
        }
    }

    /// <summary>One of the two. A gateway that is starting or stopping has the store and does not answer: that passes.</summary>
    async Task<(Socket? Gateway, SqliteQueueStore? Store)> ReachAsync(string directory, CancellationToken cancel)
    {
        for (var i = 1; ; i++)
        {
            if (await ControlClient.ConnectAsync(directory, cancel) is { } gateway)
            {
                return (gateway, null);
            }

            try
            {
                return (null, Open(directory));
            }
            catch (QueueStoreException e) when (i < Tries && e.IsInUse)
            {
                await Task.Delay(s_pause, terminal.Clock, cancel);
            }
            catch (QueueStoreException e)
            {
                throw new ControlException(e.IsInUse ? $"{e.Message}, which does not answer: it is starting, or stopping" : e.Message, e);
            }
        }
    }

    /// <summary>To look at a queue must not make one.</summary>
    static SqliteQueueStore Open(string directory) => SqliteQueueStore.Exists(directory)
        ? SqliteQueueStore.Open(directory)
        : throw new ControlException($"there is no queue in {directory}, or none that {Environment.UserName} may see");

    static async Task<bool> NextAsync(IAsyncEnumerator<ControlLine> lines)
    {
        try
        {
            return await lines.MoveNextAsync();
        }
        catch (QueueStoreException e)
        {
            throw new ControlException(e.Message, e);
        }
    }
}
