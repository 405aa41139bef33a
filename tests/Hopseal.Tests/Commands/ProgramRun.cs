using System.Diagnostics;
using System.Net;
using System.Net.Sockets;

namespace Hopseal.Tests.Commands;

/// <summary>The built program in a process of its own, for what only a process has: signals and the real streams.</summary>
sealed class ProgramRun : IDisposable
{
    static readonly TimeSpan s_limit = TimeSpan.FromSeconds(60);

    readonly Process _process;

    ProgramRun(Process process) => _process = process;

    public static ProgramRun Start(string directory, params string[] args) => Start(directory, args, variable: null);

    public static ProgramRun Start(string directory, string[] args, KeyValuePair<string, string>? variable)
    {
        // The test project refers to the program, so that its build stands beside the tests.
        var program = Path.Combine(AppContext.BaseDirectory, "hopseal.dll");
        var start = new ProcessStartInfo("dotnet", [program, .. args])
        {
            WorkingDirectory = directory,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (var name in start.Environment.Keys.Where(name => name.StartsWith("HOPSEAL", StringComparison.Ordinal)).ToArray())
        {
            start.Environment.Remove(name);
        }

        if (variable is { } added)
        {
            start.Environment[added.Key] = added.Value;
        }

        return new ProgramRun(Process.Start(start)!);
    }

    /// <summary>Reads standard error up to a line that holds <paramref name="text"/>.</summary>
    public async Task<string> UntilErrorSaysAsync(string text)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        limit.CancelAfter(s_limit);
        while (await _process.StandardError.ReadLineAsync(limit.Token) is { } line)
        {
            if (line.Contains(text, StringComparison.Ordinal))
            {
                return line;
            }
        }

        throw new InvalidOperationException($"the program ended without saying {text}");
    }

    public void Signal(string name)
    {
        using var kill = Process.Start("kill", ["-s", name, _process.Id.ToString(System.Globalization.CultureInfo.InvariantCulture)]);
        kill.WaitForExit(s_limit);
    }

    public async Task<CommandRun> EndAsync(string input = "")
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        limit.CancelAfter(s_limit);
        await _process.StandardInput.WriteAsync(input);
        _process.StandardInput.Close();
        var output = _process.StandardOutput.ReadToEndAsync(limit.Token);
        var error = _process.StandardError.ReadToEndAsync(limit.Token);
        await _process.WaitForExitAsync(limit.Token);
        return new CommandRun(_process.ExitCode, await output, await error);
    }

    /// <summary>A port that was free a moment ago.</summary>
    public static int FreePort()
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return ((IPEndPoint)socket.LocalEndPoint!).Port;
    }

    public void Dispose()
    {
        if (!_process.HasExited)
        {
            _process.Kill();
        }

        _process.Dispose();
    }
}
