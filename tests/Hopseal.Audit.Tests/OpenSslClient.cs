namespace Hopseal.Audit.Tests;

/// <summary>What <c>openssl s_client</c> finds out about a server, one suite or group at a time.</summary>
static class OpenSslClient
{
    /// <summary>The IANA names of the suites that it can offer in a version (<c>-tls1_2</c>), and that the server accepts.</summary>
    public static async Task<SortedSet<string>> SuitesAsync(int port, string version, params string[] options)
    {
        var cancel = TestContext.Current.CancellationToken;
        var accepted = new SortedSet<string>(StringComparer.Ordinal);
        string[] all = version == "-tls1_3"
            ? ["-ciphersuites", "TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256:TLS_AES_128_CCM_SHA256:TLS_AES_128_CCM_8_SHA256"]
            : ["-cipher", "ALL:COMPLEMENTOFALL:@SECLEVEL=0"];
        if (!await ConnectsAsync(port, [version, .. all, .. options], cancel))
        {
            return accepted;
        }

        var (_, listed) = await Programs.RunAsync(
            OpenSslServer.Executable, ["ciphers", "-stdname", "-s", version, .. version == "-tls1_3" ? all : all[1..]], cancel);
        foreach (var line in listed.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            var names = line.Split([' ', '-'], 2, StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
            var (standard, own) = (line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[0], names[1].TrimStart('-', ' ').Split(' ')[0]);
            string[] suite = version == "-tls1_3" ? ["-ciphersuites", own] : ["-cipher", $"{own}:@SECLEVEL=0"];
            if (!standard.Contains("PSK", StringComparison.Ordinal) && !standard.Contains("SRP", StringComparison.Ordinal)
                && await ConnectsAsync(port, [version, .. suite, .. options], cancel))
            {
                accepted.Add(standard);
            }
        }

        return accepted;
    }

    /// <summary>Those of the groups that the server accepts, by OpenSSL's names.</summary>
    public static async Task<List<string>> GroupsAsync(int port, string version, IEnumerable<string> groups, params string[] options)
    {
        var accepted = new List<string>();
        foreach (var group in groups)
        {
            if (await ConnectsAsync(port, [version, "-groups", group, .. options], TestContext.Current.CancellationToken))
            {
                accepted.Add(group);
            }
        }

        return accepted;
    }

    public static async Task<bool> ConnectsAsync(int port, string[] options, CancellationToken cancel)
    {
        var (exit, output) = await Programs.RunAsync(
            OpenSslServer.Executable, ["s_client", "-connect", $"127.0.0.1:{port}", "-servername", "mx.test", .. options], cancel);
        return exit == 0 && !output.Contains("Cipher is (NONE)", StringComparison.Ordinal);
    }
}
