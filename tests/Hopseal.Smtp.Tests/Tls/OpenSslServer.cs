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

    OpenSslServer(Process process, string directory, int port)
    {
        _process = process;
        _directory = directory;
        Port = port;
    }

    public int Port { get; }

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
        process.ErrorDataReceived += (_, _) => { };
        process.BeginErrorReadLine();
#pragma warning disable RS0030 // a process's output, not a peer's
        while (await process.StandardOutput.ReadLineAsync(cancel) is { } line)
#pragma warning restore RS0030
        {
            if (line.StartsWith("ACCEPT ", StringComparison.Ordinal))
            {
                var port = int.Parse(line.AsSpan(line.LastIndexOf(':') + 1), CultureInfo.InvariantCulture);
                _ = process.StandardOutput.BaseStream.CopyToAsync(Stream.Null, CancellationToken.None);
                return new OpenSslServer(process, directory, port);
            }
        }

        throw new InvalidOperationException("openssl s_server did not start");
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
}
