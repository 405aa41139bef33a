namespace Hopseal.Audit.Tests;

/// <summary>What <c>openssl s_client</c> finds out about a server, one suite or group at a time.</summary>
static class OpenSslClient
{
    const string All13 = "TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256:TLS_AES_128_CCM_SHA256:TLS_AES_128_CCM_8_SHA256";

    /// <summary>The IANA names of the suites that it can offer in a version (<c>-tls1_2</c>), and that the server accepts.</summary>
    public static async Task<SortedSet<string>> SuitesAsync(int port, string version, params string[] options)
    {
        var cancel = TestContext.Current.CancellationToken;
        var accepted = new SortedSet<string>(StringComparer.Ordinal);
        string[] all = version == "-tls1_3"
            ? ["-ciphersuites", All13]
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

    /// <summary>The same by leaving out what was accepted until all is refused: for servers that let whoever they refuse wait.</summary>
    public static async Task<SortedSet<string>> SuitesByRemovalAsync(int port, string version, params string[] options)
    {
        var cancel = TestContext.Current.CancellationToken;
        var accepted = new SortedSet<string>(StringComparer.Ordinal);
        var (_, listed) = await Programs.RunAsync(
            OpenSslServer.Executable,
            version == "-tls1_3" ? ["ciphers", "-stdname", "-s", version, "-ciphersuites", All13] : ["ciphers", "-stdname", "-s", version, "ALL:COMPLEMENTOFALL:@SECLEVEL=0"], cancel);
        var open = listed.Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Select(line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries))
            .Where(words => !words[0].Contains("PSK", StringComparison.Ordinal) && !words[0].Contains("SRP", StringComparison.Ordinal))
            .ToDictionary(words => words[2], words => words[0]);
        while (open.Count > 0)
        {
            string[] offered = version == "-tls1_3" ? ["-ciphersuites", string.Join(':', open.Keys)] : ["-cipher", $"{string.Join(':', open.Keys)}:@SECLEVEL=0"];
            var (_, output) = await Programs.RunAsync(
                OpenSslServer.Executable, ["s_client", "-connect", $"127.0.0.1:{port}", "-servername", "mx.test", version, .. offered, .. options], cancel);
            var chosen = output.Split('\n').Where(line => line.Contains(", Cipher is ", StringComparison.Ordinal)).Select(line => line.Split(' ')[^1]).FirstOrDefault("(NONE)");
            if (!open.Remove(chosen, out var standard))
            {
                break;
            }

            accepted.Add(standard);
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
