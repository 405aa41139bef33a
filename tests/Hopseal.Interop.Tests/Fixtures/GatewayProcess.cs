using System.Diagnostics;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Hopseal.Interop.Tests.Fixtures;

/// <summary>The real executable, <c>hopseal serve</c>, with a configuration file of the test.</summary>
sealed class GatewayProcess : IAsyncDisposable
{
    static readonly TimeSpan s_longestStart = TimeSpan.FromSeconds(60);
    static readonly TimeSpan s_longestStop = TimeSpan.FromSeconds(60);
    static readonly JsonSerializerOptions s_json = new() { WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    readonly string _configuration;
    readonly bool _looksAtResolver;
    readonly int _readyPort;
    readonly List<string> _output = [];
    Process? _process;

    /// <param name="configuration">Written as <c>hopseal.json</c>.</param>
    /// <param name="readyPort">Of a listener that greets in plaintext: when it does, the gateway is up.</param>
    public GatewayProcess(TestDirectory directory, object configuration, int readyPort)
    {
        var json = JsonSerializer.Serialize(configuration, s_json);
        _looksAtResolver = json.Contains("HealthMinutes", StringComparison.Ordinal);
        _configuration = directory.Write("hopseal.json", json);
        _readyPort = readyPort;
    }

    /// <summary>What it wrote so far, all starts together.</summary>
    public string Output
    {
        get
        {
            lock (_output)
            {
                return string.Join('\n', _output);
            }
        }
    }

    /// <summary>The fields of the first line of that event that holds <paramref name="mark"/>; waits for it.</summary>
    public async Task<JsonElement> LoggedAsync(int eventId, string mark, CancellationToken cancel)
    {
        var line = await Eventually.FindAsync(
            $"event {eventId} with {mark}",
            s_longestStop,
            () => Output.Split('\n').FirstOrDefault(line =>
                line.Contains($"\"EventId\":{eventId},", StringComparison.Ordinal) && line.Contains(mark, StringComparison.Ordinal)),
            () => Output,
            cancel);
        using var document = JsonDocument.Parse(line);
        return document.RootElement.GetProperty("State").Clone();
    }

    public async Task StartAsync(CancellationToken cancel)
    {
        var process = new Process { StartInfo = Command.StartInfo(Executable.Path, ["serve", "--config", _configuration]) };
        if (!_looksAtResolver)
        {
            // Tests ask nobody who is not on loopback.
            process.StartInfo.Environment["HOPSEAL__Dns__HealthMinutes"] = "0";
        }

        process.OutputDataReceived += (_, line) => Keep(line.Data);
        process.ErrorDataReceived += (_, line) => Keep(line.Data);
        _process = process;
        process.Start();
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        await Eventually.FindAsync("the gateway's greeting", s_longestStart, () => GreetsAsync(process, cancel), () => Output, cancel);
    }

    /// <summary>SIGTERM, and the end. Returns the exit code.</summary>
    public async Task<int> StopAsync(CancellationToken cancel)
    {
        var process = _process ?? throw new InvalidOperationException("not started");
        await Command.RunAsync("kill", ["-TERM", $"{process.Id}"], cancel);
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        deadline.CancelAfter(s_longestStop);
        await process.WaitForExitAsync(deadline.Token);
        return process.ExitCode;
    }

    /// <summary>SIGKILL, as a crash of the machine's kind: nothing in the process can react to it.</summary>
    public async Task KillAsync(CancellationToken cancel)
    {
        var process = _process ?? throw new InvalidOperationException("not started");
        process.Kill();
        await process.WaitForExitAsync(cancel);
        process.Dispose();
        _process = null;
    }

    public async ValueTask DisposeAsync()
    {
        if (_process is { } process)
        {
            if (!process.HasExited)
            {
                process.Kill();
            }

            await process.WaitForExitAsync();
            process.Dispose();
        }
    }

    async Task<object?> GreetsAsync(Process process, CancellationToken cancel)
    {
        if (process.HasExited)
        {
            throw new InvalidOperationException($"hopseal serve ended with {process.ExitCode}\n{Output}");
        }

        try
        {
            await using var client = await RawSmtp.ConnectAsync(_readyPort, cancel);
            return (await client.ReadReplyAsync(cancel))?.Code == 220 ? this : null;
        }
        catch (System.Net.Sockets.SocketException)
        {
            return null;
        }
    }

    void Keep(string? line)
    {
        if (line is not null)
        {
            lock (_output)
            {
                _output.Add(line);
            }
        }
    }
}
