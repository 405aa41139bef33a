using System.Diagnostics;
using System.Net.Sockets;

namespace Hopseal.Interop.Tests.Fixtures;

/// <summary>A real resolver on loopback that knows only the records it is given.</summary>
sealed class UnboundInstance : IAsyncDisposable
{
    readonly TestDirectory _directory = new("unbound");
    readonly Process _process;

    UnboundInstance(IEnumerable<string> records, int port)
    {
        Port = port;
        var data = string.Join('\n', records.Select(record => record.Contains('"', StringComparison.Ordinal) ? $"    local-data: '{record}'" : $"    local-data: \"{record}\""));
        var configuration = _directory.Write(
            "unbound.conf",
            $"""
            server:
                interface: 127.0.0.1@{Port}
                do-daemonize: no
                username: ""
                chroot: ""
                directory: "{_directory.Path}"
                pidfile: ""
                use-syslog: no
                num-threads: 1
                module-config: "iterator"
                local-zone: "." static
            {data}
            remote-control:
                control-enable: no

            """);
        _process = Process.Start(Command.StartInfo("unbound", ["-d", "-c", configuration]))!;
        _process.BeginErrorReadLine();
        _process.BeginOutputReadLine();
    }

    public int Port { get; }

    /// <param name="records">As in a zone file, with full names: <c>mx.test. A 127.0.0.1</c>.</param>
    /// <param name="port">The one of an instance that was disposed; a free one if not given.</param>
    public static async Task<UnboundInstance> StartAsync(IEnumerable<string> records, CancellationToken cancel, int? port = null)
    {
        var unbound = new UnboundInstance(records, port ?? Ports.Next());
        await Eventually.FindAsync(
            "unbound listening", TimeSpan.FromSeconds(20), () => unbound.TryConnectAsync(cancel), () => $"exited: {unbound._process.HasExited}", cancel);
        return unbound;
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            _process.Kill();
        }

        await _process.WaitForExitAsync();
        _process.Dispose();
        _directory.Dispose();
    }

    /// <summary>It answers TCP where it answers UDP.</summary>
    async Task<object?> TryConnectAsync(CancellationToken cancel)
    {
        try
        {
            using var probe = new TcpClient();
            await probe.ConnectAsync("127.0.0.1", Port, cancel);
            return this;
        }
        catch (SocketException)
        {
            return null;
        }
    }
}
