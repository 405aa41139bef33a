using System.Diagnostics;
using System.Globalization;

namespace Hopseal.Audit.Tests;

/// <summary><c>openssl s_server</c> on a free port of loopback, TLS from the first octet.</summary>
sealed class OpenSslServer : IDisposable
{
    public const string Executable = "/usr/bin/openssl";

    readonly Process _process;

    OpenSslServer(Process process) => _process = process;

    public int Port { get; private set; }

    public static bool Installed => File.Exists(Executable);

    public static async Task<OpenSslServer> StartAsync(CancellationToken cancel, params string[] options)
    {
        var server = new OpenSslServer(Programs.Start(Executable, ["s_server", "-accept", "127.0.0.1:0", .. options]));
        try
        {
            server._process.BeginErrorReadLine();
            server.Port = await server.PortAsync(cancel);
            _ = server._process.StandardOutput.BaseStream.CopyToAsync(Stream.Null, CancellationToken.None);
            return server;
        }
        catch
        {
            server.Dispose();
            throw;
        }
    }

    public void Dispose()
    {
        _process.Kill();
        _process.WaitForExit();
        _process.Dispose();
    }

    /// <summary>From the line <c>ACCEPT 127.0.0.1:port</c>.</summary>
    async Task<int> PortAsync(CancellationToken cancel)
    {
        while (await _process.StandardOutput.ReadLineAsync(cancel) is { } line)
        {
            if (line.StartsWith("ACCEPT ", StringComparison.Ordinal))
            {
                return int.Parse(line.AsSpan(line.LastIndexOf(':') + 1), CultureInfo.InvariantCulture);
            }
        }

        throw new InvalidOperationException("openssl s_server did not start");
    }
}
