using System.Collections.Concurrent;
using System.Net.Sockets;
using Hopseal.Relay.Queue;
using Microsoft.Extensions.Logging;

namespace Hopseal.Control;

/// <summary>Answers commands on the control socket while the gateway runs. Who may connect is decided by the mode of the socket's
/// file.</summary>
sealed partial class ControlServer : IAsyncDisposable
{
    internal const int MaxClients = 16;

    /// <summary>A command sends its request at once.</summary>
    internal static readonly TimeSpan RequestTimeout = TimeSpan.FromSeconds(10);

    /// <summary>An answer may be read by a person, page by page.</summary>
    static readonly TimeSpan s_sendTimeout = TimeSpan.FromMinutes(10);

    static readonly TimeSpan s_pause = TimeSpan.FromSeconds(1);

    readonly string _path;
    readonly Socket _listener;
    readonly ControlOperations _operations;
    readonly TimeProvider _clock;
    readonly ILogger _log;
    readonly CancellationTokenSource _stop = new();
    readonly ConcurrentDictionary<Task, bool> _clients = [];
    readonly Task _accepting;
    int _count;

    ControlServer(string path, Socket listener, ControlOperations operations, TimeProvider clock, ILogger log)
    {
        _path = path;
        _listener = listener;
        _operations = operations;
        _clock = clock;
        _log = log;
        _accepting = Task.Run(AcceptAsync);
    }

    /// <summary>Replaces what a gateway that was killed has left.</summary>
    /// <param name="directory">Whose lock the caller holds: nobody else can be listening there.</param>
    /// <exception cref="IOException">There can be no socket.</exception>
    public static ControlServer Start(string directory, ControlOperations operations, TimeProvider clock, ILogger<ControlServer> log)
    {
        if (ControlSocket.Refuse(directory) is { } why)
        {
            throw new IOException(why);
        }

        var path = ControlSocket.PathIn(directory);
        var listener = ControlSocket.Create();
        try
        {
            File.Delete(path);
            listener.Bind(ControlSocket.EndPointIn(directory));

            // Before anybody can connect.
            if (!OperatingSystem.IsWindows())
            {
                File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite);
            }

            listener.Listen();
            return new ControlServer(path, listener, operations, clock, log);
        }
        catch (Exception e) when (e is SocketException or UnauthorizedAccessException)
        {
            listener.Dispose();
            throw new IOException($"the control socket {path} cannot be made: {e.Message}", e);
        }
    }

    /// <summary>Breaks off what is being answered.</summary>
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _accepting;
        await Task.WhenAll(_clients.Keys);
        _listener.Dispose();
        _stop.Dispose();
        try
        {
            File.Delete(_path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The next start replaces it, and until then nobody answers there.
            LogFileStays(e, _path);
        }
    }

    async Task AcceptAsync()
    {
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                var client = await _listener.AcceptAsync(_stop.Token);
                var served = ServeAsync(client);
                _clients.TryAdd(served, true);
                _ = served.ContinueWith(
                    done => _clients.TryRemove(done, out _), CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
            }
            catch (OperationCanceledException)
            {
                // Stopped.
            }
            catch (SocketException e)
            {
                // Out of descriptors, for instance: the gateway goes on, and so does this.
                LogAcceptFailed(e);
                await Task.Delay(s_pause, _clock, _stop.Token).ContinueWith(
                    static _ => { }, CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
            }
        }
    }

    async Task ServeAsync(Socket client)
    {
        try
        {
            await using var stream = new NetworkStream(client, ownsSocket: true);
            await using var lines = new JsonLines(stream);
            var busy = Interlocked.Increment(ref _count) > MaxClients;
            await AnswerAsync(lines, busy);
        }
        catch (Exception e) when (e is IOException or OperationCanceledException or SocketException)
        {
            // It went away, was too slow, or the gateway stops.
            LogBrokenOff(e);
        }
        catch (Exception e)
        {
            LogFailed(e);
        }
        finally
        {
            Interlocked.Decrement(ref _count);
        }
    }

    async Task AnswerAsync(JsonLines lines, bool busy)
    {
        if (busy)
        {
            lines.Add(new ControlLine.Fault("the gateway is answering too many commands already"), ControlJson.Default.ControlLine);
        }
        else if (await ReadAsync(lines) is not { } request)
        {
            return;
        }
        else
        {
            await AnswerAsync(lines, request);
        }

        await SendAsync(lines);
    }

    /// <summary>Null when it went away without a request, or with one that is none; the latter is told.</summary>
    async Task<ControlRequest?> ReadAsync(JsonLines lines)
    {
        using var limit = Deadline(RequestTimeout, out var time);
        using (time)
        {
            try
            {
                return await lines.ReadAsync(ControlJson.Default.ControlRequest, ControlRequest.MaxOctets, limit.Token);
            }
            catch (InvalidDataException e)
            {
                lines.Add(new ControlLine.Fault($"the request cannot be understood: {e.Message}"), ControlJson.Default.ControlLine);
            }
        }

        await SendAsync(lines);
        return null;
    }

    async Task AnswerAsync(JsonLines lines, ControlRequest request)
    {
        try
        {
            await foreach (var line in _operations.RunAsync(request, _stop.Token))
            {
                if (lines.Add(line, ControlJson.Default.ControlLine))
                {
                    await SendAsync(lines);
                }
            }
        }
        catch (QueueStoreException e)
        {
            lines.Add(new ControlLine.Fault(e.Message), ControlJson.Default.ControlLine);
        }
    }

    async ValueTask SendAsync(JsonLines lines)
    {
        using var limit = Deadline(s_sendTimeout, out var time);
        using (time)
        {
            await lines.SendAsync(limit.Token);
        }
    }

    CancellationTokenSource Deadline(TimeSpan delay, out CancellationTokenSource time)
    {
        time = new CancellationTokenSource(delay, _clock);
        return CancellationTokenSource.CreateLinkedTokenSource(time.Token, _stop.Token);
    }

    [LoggerMessage(2401, LogLevel.Warning, "The control socket cannot take a connection; it goes on")]
    partial void LogAcceptFailed(Exception e);

    [LoggerMessage(2402, LogLevel.Debug, "A command was not answered to the end")]
    partial void LogBrokenOff(Exception e);

    [LoggerMessage(2404, LogLevel.Warning, "The control socket {Path} could not be removed")]
    partial void LogFileStays(Exception e, string path);

    [LoggerMessage(2403, LogLevel.Error, "A command failed by a fault of ours")]
    partial void LogFailed(Exception e);
}
