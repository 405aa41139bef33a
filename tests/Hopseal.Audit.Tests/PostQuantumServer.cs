using System.Diagnostics;
using System.Globalization;

namespace Hopseal.Audit.Tests;

/// <summary>A TLS server of Node.js with OpenSSL 3.5 or later, which has ML-KEM; <c>./test</c> gets it from npm.</summary>
sealed class PostQuantumServer : IDisposable
{
    const string Script =
        """
        const tls = require('tls'), fs = require('fs');
        const pem = fs.readFileSync(process.argv[1]);
        const options = { key: pem, cert: pem };
        if (process.argv[2]) options.ecdhCurve = process.argv[2];
        const server = tls.createServer(options, socket => socket.on('error', () => {}));
        server.on('tlsClientError', () => {});
        server.listen(0, '127.0.0.1', () => console.log(server.address().port));
        """;

    readonly Process _process;

    PostQuantumServer(Process process, int port) => (_process, Port) = (process, port);

    public int Port { get; }

    static readonly string s_program = Path.Combine(Programs.Cache, "node", "bin", "node");

    /// <summary>Null when it can run here, else why not.</summary>
    public static string? Missing => File.Exists(s_program) ? null : $"there is no {s_program}; ./test gets it";

    /// <param name="groups">In OpenSSL's syntax; empty: as it comes.</param>
    public static async Task<PostQuantumServer> StartAsync(string certificate, string groups, CancellationToken cancel)
    {
        var process = Programs.Start(s_program, ["-e", Script, certificate, groups]);
        var port = await process.StandardOutput.ReadLineAsync(cancel);
        if (port is null)
        {
            var error = await process.StandardError.ReadToEndAsync(cancel);
            process.Dispose();
            throw new InvalidOperationException($"node did not start: {error}");
        }

        return new PostQuantumServer(process, int.Parse(port, CultureInfo.InvariantCulture));
    }

    public void Dispose()
    {
        _process.Kill();
        _process.WaitForExit();
        _process.Dispose();
    }
}
