namespace Hopseal.Audit.Tests;

/// <summary>Exim as Debian builds it, with GnuTLS. Its package conflicts with Postfix's, so that <c>./test</c> unpacks it instead of
/// installing it.</summary>
static class Exim
{
    /// <summary>What Hopseal recommends for it.</summary>
    public const string Modern = "tls_require_ciphers = SECURE128:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:-KX-ALL:+ECDHE-ECDSA:+ECDHE-RSA"
        + ":-CIPHER-ALL:+AES-256-GCM:+CHACHA20-POLY1305:+AES-128-GCM:%SERVER_PRECEDENCE";

    static readonly string s_unpacked = Path.Combine(Programs.Cache, "exim4", "usr", "sbin", "exim4");

    /// <summary>Null when it can run here, else why not.</summary>
    public static string? Missing =>
        !OperatingSystem.IsLinux() || !Environment.IsPrivilegedProcess ? "mail servers need Linux and root"
        : File.Exists(s_unpacked) ? null
        : $"there is no {s_unpacked}; ./test gets it";

    /// <param name="settings">Further lines of the main configuration.</param>
    /// <param name="certificate">With the key; the test's RSA certificate unless another is named. Exim expands it.</param>
    public static async Task<MailServer> StartAsync(Keys keys, int port, string[] settings, CancellationToken cancel, string? certificate = null)
    {
        var root = keys.MakeDirectory("exim");
        var spool = keys.MakeDirectory("exim/spool");
        Assert.Equal(0, (await Programs.RunAsync("chown", ["Debian-exim", spool], cancel)).ExitCode);
        var configuration = keys.WriteFile(
            "exim/conf",
            $$"""
            spool_directory = {{spool}}
            log_file_path = {{spool}}/%slog
            pid_file_path = {{root}}/pid
            keep_environment =
            primary_hostname = mx.test
            local_interfaces = 127.0.0.1
            daemon_smtp_ports = {{port}}
            host_lookup =
            rfc1413_query_timeout = 0s
            smtp_accept_max = 0
            acl_smtp_mail = accept
            tls_certificate = {{certificate ?? keys.Rsa}}
            tls_privatekey = {{certificate ?? keys.Rsa}}
            {{string.Join('\n', settings)}}
            begin acl
            begin routers
            begin transports

            """);
        return await MailServer.StartAsync(s_unpacked, ["-bdf", "-C", configuration], [port], cancel);
    }
}
