using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using Hopseal.Smtp.Wire;

namespace Hopseal.Smtp.Tests.Tls;

/// <summary><c>openssl s_server</c> on a free port: a TLS implementation that is not ours.</summary>
sealed class OpenSslServer : IDisposable
{
    const string Executable = "/usr/bin/openssl";

    readonly Process _process;
    readonly string _directory;

    OpenSslServer(Process process, string directory)
    {
        _process = process;
        _directory = directory;
    }

    public int Port { get; private set; }

    public static bool Installed => File.Exists(Executable);

    public static async Task<OpenSslServer> StartAsync(X509Certificate2 certificate, CancellationToken cancel, params string[] options)
    {
        var directory = Directory.CreateTempSubdirectory("hopseal-openssl-").FullName;
        var pem = Path.Combine(directory, "server.pem");
        await File.WriteAllTextAsync(
            pem, certificate.ExportCertificatePem() + "\n" + certificate.GetECDsaPrivateKey()!.ExportPkcs8PrivateKeyPem() + "\n", cancel);
        var process = Process.Start(new ProcessStartInfo(Executable, ["s_server", "-accept", "127.0.0.1:0", "-cert", pem, .. options])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            RedirectStandardInput = true,
        })!;
        var server = new OpenSslServer(process, directory);
        try
        {
            process.ErrorDataReceived += (_, _) => { };
            process.BeginErrorReadLine();
            server.Port = await PortAsync(process.StandardOutput, cancel);
            _ = process.StandardOutput.BaseStream.CopyToAsync(Stream.Null, CancellationToken.None);
            return server;
        }
        catch
        {
            server.Dispose();
            throw;
        }
    }

    public async Task<SmtpStream> ConnectAsync(CancellationToken cancel)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(IPAddress.Loopback, Port, cancel);
        return new SmtpStream(new SocketTransport(socket));
    }

    public void Dispose()
    {
        _process.Kill();
        _process.WaitForExit();
        _process.Dispose();
        Directory.Delete(_directory, recursive: true);
    }

    /// <summary>From the line <c>ACCEPT 127.0.0.1:port</c>.</summary>
    static async Task<int> PortAsync(StreamReader output, CancellationToken cancel)
    {
#pragma warning disable RS0030 // a process's output, not a peer's
        while (await output.ReadLineAsync(cancel) is { } line)
#pragma warning restore RS0030
        {
            if (line.StartsWith("ACCEPT ", StringComparison.Ordinal))
            {
                return int.Parse(line.AsSpan(line.LastIndexOf(':') + 1), CultureInfo.InvariantCulture);
            }
        }

        throw new InvalidOperationException("openssl s_server did not start");
    }
}
