using System.Diagnostics;
using System.Net;
using System.Net.Sockets;

namespace Hopseal.Audit.Tests;

/// <summary>One program in the foreground, with files of its own in a directory of the test.</summary>
sealed class MailServer : IDisposable
{
    static readonly TimeSpan s_start = TimeSpan.FromSeconds(20);
    static readonly TimeSpan s_look = TimeSpan.FromMilliseconds(50);

    readonly Process _process;
    readonly string[] _stop;

    MailServer(Process process, string[] stop) => (_process, _stop) = (process, stop);

    /// <summary>Returns when every port answers.</summary>
    /// <param name="stop">A command that ends it; without, it ends when it is told by SIGTERM.</param>
    public static async Task<MailServer> StartAsync(
        string program, IEnumerable<string> arguments, IEnumerable<int> ports, CancellationToken cancel, params string[] stop)
    {
        var process = Programs.Start(program, arguments);
        var server = new MailServer(process, stop.Length > 0 ? stop : ["kill", "-TERM", $"{process.Id}"]);
        try
        {
            server._process.BeginErrorReadLine();
            server._process.BeginOutputReadLine();
            using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancel);
            patience.CancelAfter(s_start);
            foreach (var port in ports)
            {
                while (!await AnswersAsync(port, patience.Token))
                {
                    Assert.False(server._process.HasExited, $"{program} has ended");
                    await Task.Delay(s_look, TimeProvider.System, patience.Token);
                }
            }

            return server;
        }
        catch
        {
            server.Dispose();
            throw;
        }
    }

    /// <summary>Free at this moment, and below the range that outgoing connections take theirs from.</summary>
    public static int FreePort()
    {
        while (true)
        {
            var port = Random.Shared.Next(20_000, 32_000);
            try
            {
                using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
                socket.Bind(new IPEndPoint(IPAddress.Loopback, port));
                return port;
            }
            catch (SocketException)
            {
                // Taken: another one.
            }
        }
    }

    public void Dispose()
    {
        // In order: a master that is killed leaves its workers behind.
        using (var command = Process.Start(new ProcessStartInfo(_stop[0], _stop[1..]) { RedirectStandardError = true })!)
        {
            command.StandardError.ReadToEnd();
            command.WaitForExit();
        }

        if (!_process.WaitForExit(s_start))
        {
            _process.Kill(entireProcessTree: true);
            _process.WaitForExit();
        }

        _process.Dispose();
    }

    static async Task<bool> AnswersAsync(int port, CancellationToken cancel)
    {
        try
        {
            using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
            await socket.ConnectAsync(IPAddress.Loopback, port, cancel);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}

/// <summary>Configurations, each with a directory and a certificate of the test.</summary>
static class MailServers
{
    /// <summary>Null when Dovecot can run here, else why not.</summary>
    public static string? NoDovecot => Missing("/usr/sbin/dovecot");

    public static string? NoNginx => Missing("/usr/lib/nginx/modules/ngx_mail_module.so");

    public static string? NoPostfix => Missing("/usr/sbin/postfix");

    /// <summary>IMAP, POP3 and ManageSieve with STARTTLS, and IMAP and POP3 with TLS at once.</summary>
    public static Task<MailServer> DovecotAsync(Keys keys, DovecotPorts ports, CancellationToken cancel)
    {
        var root = keys.MakeDirectory("dovecot");
        var configuration = keys.WriteFile(
            "dovecot.conf",
            $$"""
            base_dir = {{root}}/run
            state_dir = {{root}}/state
            log_path = {{root}}/log
            protocols = imap pop3 sieve
            listen = 127.0.0.1
            ssl = yes
            ssl_cert = <{{keys.Rsa}}
            ssl_key = <{{keys.Rsa}}
            ssl_min_protocol = TLSv1.2
            passdb {
              driver = static
              args = password=x
            }
            service imap-login {
              inet_listener imap {
                port = {{ports.Imap}}
              }
              inet_listener imaps {
                port = {{ports.Imaps}}
                ssl = yes
              }
            }
            service pop3-login {
              inet_listener pop3 {
                port = {{ports.Pop3}}
              }
              inet_listener pop3s {
                port = {{ports.Pop3s}}
                ssl = yes
              }
            }
            service managesieve-login {
              inet_listener sieve {
                port = {{ports.Sieve}}
              }
            }

            """);
        return MailServer.StartAsync("/usr/sbin/dovecot", ["-F", "-c", configuration], ports.All, cancel);
    }

    /// <summary>A mail proxy, with STARTTLS at one port and TLS at once at the other.</summary>
    public static Task<MailServer> NginxAsync(Keys keys, int startTls, int implicitTls, CancellationToken cancel)
    {
        var root = keys.MakeDirectory("nginx");
        var configuration = keys.WriteFile(
            "nginx.conf",
            $$"""
            load_module /usr/lib/nginx/modules/ngx_mail_module.so;
            pid {{root}}/pid;
            error_log {{root}}/log;
            daemon off;
            worker_processes 1;
            events { worker_connections 100; }
            mail {
              server_name mx.test;
              auth_http 127.0.0.1:9/none;
              ssl_certificate {{keys.Rsa}};
              ssl_certificate_key {{keys.Rsa}};
              ssl_protocols TLSv1.3;
              smtp_auth none;
              server { listen 127.0.0.1:{{startTls}}; protocol smtp; starttls on; }
              server { listen 127.0.0.1:{{implicitTls}} ssl; protocol smtp; }
            }

            """);
        return MailServer.StartAsync("/usr/sbin/nginx", ["-e", $"{root}/log", "-c", configuration], [startTls, implicitTls], cancel);
    }

    /// <summary>An SMTP server with further lines for main.cf.</summary>
    public static async Task<MailServer> PostfixAsync(Keys keys, int port, string[] settings, CancellationToken cancel)
    {
        var root = keys.MakeDirectory("postfix");
        string[] directories = [keys.MakeDirectory("postfix/etc"), keys.MakeDirectory("postfix/spool"), keys.MakeDirectory("postfix/data")];
        Assert.Equal(0, (await Programs.RunAsync("chown", ["postfix", directories[2]], cancel)).ExitCode);
        keys.WriteFile(
            "postfix/etc/main.cf",
            $"""
            compatibility_level = 3.6
            queue_directory = {root}/spool
            data_directory = {root}/data
            maillog_file = {root}/maillog
            maillog_file_prefixes = {Path.GetTempPath()}
            command_directory = /usr/sbin
            daemon_directory = /usr/lib/postfix/sbin
            mail_owner = postfix
            setgid_group = postdrop
            myhostname = mx.test
            inet_interfaces = 127.0.0.1
            inet_protocols = ipv4
            mydestination =
            alias_maps =
            alias_database =
            smtpd_tls_security_level = may
            smtpd_tls_cert_file = {keys.Rsa}
            smtpd_tls_key_file = {keys.Rsa}
            {string.Join('\n', settings)}

            """);
        keys.WriteFile(
            "postfix/etc/master.cf",
            $"""
            127.0.0.1:{port} inet n - n - - smtpd
            pickup    unix  n - n 60 1 pickup
            cleanup   unix  n - n - 0 cleanup
            qmgr      unix  n - n 300 1 qmgr
            tlsmgr    unix  - - n 1000? 1 tlsmgr
            rewrite   unix  - - n - - trivial-rewrite
            proxymap  unix  - - n - - proxymap
            anvil     unix  - - n - 1 anvil
            postlog   unix-dgram n - n - 1 postlogd

            """);

        // The program that is started is a shell: its master would outlive it.
        return await MailServer.StartAsync(
            "/usr/sbin/postfix", ["-c", $"{root}/etc", "start-fg"], [port], cancel, "/usr/sbin/postfix", "-c", $"{root}/etc", "stop");
    }

    static string? Missing(string path) =>
        !OperatingSystem.IsLinux() || !Environment.IsPrivilegedProcess ? "mail servers need Linux and root" : File.Exists(path) ? null : $"there is no {path}";
}

sealed record DovecotPorts(int Imap, int Imaps, int Pop3, int Pop3s, int Sieve)
{
    public static DovecotPorts Free() =>
        new(MailServer.FreePort(), MailServer.FreePort(), MailServer.FreePort(), MailServer.FreePort(), MailServer.FreePort());

    public int[] All => [Imap, Imaps, Pop3, Pop3s, Sieve];
}
