using System.Globalization;

namespace Hopseal.Interop.Tests.Fixtures;

/// <summary>What one Postfix of a test is for.</summary>
/// <param name="Name">Of its logs and directories; unique in a test.</param>
/// <param name="Hostname">In its greeting, EHLO and Received.</param>
sealed record PostfixOptions(string Name, string Hostname)
{
    /// <summary>Kept in <see cref="PostfixInstance.Mailbox"/>, whatever the local part.</summary>
    public IReadOnlyList<string> Domains { get; init; } = [];

    /// <summary>Lines for main.cf, after those of every instance.</summary>
    public IReadOnlyList<string> Settings { get; init; } = [];

    /// <summary>The name server it asks, in a mount namespace of its own; without, it asks the system's.</summary>
    public System.Net.IPAddress? Resolver { get; init; }

    /// <summary>Shown to clients; without, it offers no STARTTLS.</summary>
    public CertificatePaths? Certificate { get; init; }
}

/// <summary>A real Postfix with its own configuration, queue and log in a directory of the test. Needs root, as Postfix does.</summary>
sealed class PostfixInstance : IAsyncDisposable
{
    // User and group of "nobody": the delivery agent refuses to write as root.
    const string Nobody = "65534";

    readonly PostfixOptions _options;
    readonly TestDirectory _directory;
    bool _started;

    PostfixInstance(PostfixOptions options)
    {
        _options = options;
        _directory = new TestDirectory(options.Name);
        Port = Ports.Next();
        Mailbox = new Maildir(Path.Combine(_directory["mail"], "box"));
    }

    public int Port { get; }

    public Maildir Mailbox { get; }

    public string Log => ReadIfThere(LogPath);

    string Configuration => _directory["etc"];

    string LogPath => _directory["maillog"];

    /// <summary>Null when Postfix can run here, else why not.</summary>
    public static string? Unavailable =>
        !OperatingSystem.IsLinux() || !Environment.IsPrivilegedProcess ? "Postfix needs Linux and root" : null;

    public static async Task<PostfixInstance> StartAsync(PostfixOptions options, CancellationToken cancel)
    {
        var postfix = new PostfixInstance(options);
        try
        {
            await postfix.StartAsync(cancel);
            return postfix;
        }
        catch
        {
            await postfix.DisposeAsync();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (_started)
        {
            await StopAsync();
        }

        _directory.Dispose();
    }

    async Task StartAsync(CancellationToken cancel)
    {
        foreach (var name in new[] { "etc", "spool", "data", "mail" })
        {
            _directory.MakeDirectory(name);
        }

        _directory.Write("etc/main.cf", MainCf());
        _directory.Write("etc/master.cf", MasterCf());
        (await Command.RunAsync("chown", ["postfix", _directory["data"]], cancel)).Succeeded("chown");
        (await Command.RunAsync("chown", [$"{Nobody}:{Nobody}", _directory["mail"]], cancel)).Succeeded("chown");

        // Returns when the master listens, or with the reason why it does not.
        _started = true;
        var start = await RunInNamespaceAsync(["postfix", "-c", Configuration, "start"], cancel);
        if (start.ExitCode != 0)
        {
            throw new InvalidOperationException($"Postfix {_options.Name} does not start: {start}\n{Log}");
        }
    }

    /// <summary>Runs a program of Postfix as this Postfix would, with its configuration and its resolver.</summary>
    public Task<CommandResult> RunAsync(string program, IEnumerable<string> arguments, CancellationToken cancel) =>
        RunInNamespaceAsync(["env", $"MAIL_CONFIG={Configuration}", program, .. arguments], cancel);

    /// <summary>Whatever is started there sees the resolver's address in place of the system's.</summary>
    Task<CommandResult> RunInNamespaceAsync(string[] command, CancellationToken cancel)
    {
        if (_options.Resolver is not { } resolver)
        {
            return Command.RunAsync(command[0], command[1..], cancel);
        }

        var file = _directory.Write("resolv.conf", $"nameserver {resolver}\noptions trust-ad edns0\n");
        return Command.RunAsync(
            "unshare", ["-m", "sh", "-c", "mount --bind \"$0\" /etc/resolv.conf && exec \"$@\"", file, .. command], cancel);
    }

    async Task StopAsync()
    {
        var pid = MasterPid();
        await Command.RunAsync("postfix", ["-c", Configuration, "stop"], CancellationToken.None);
        if (pid is not null && Directory.Exists($"/proc/{pid}"))
        {
            await Command.RunAsync("kill", ["-KILL", pid], CancellationToken.None);
        }
    }

    string? MasterPid()
    {
        var text = ReadIfThere(_directory["spool/pid/master.pid"]).Trim();
        return int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out _) ? text : null;
    }

    static string ReadIfThere(string path) => File.Exists(path) ? File.ReadAllText(path) : "";

    string MainCf()
    {
        string[] tls = _options.Certificate is { } certificate
            ? [$"smtpd_tls_cert_file = {certificate.Chain}", $"smtpd_tls_key_file = {certificate.Key}", "smtpd_tls_security_level = may"]
            : ["smtpd_tls_security_level = none"];
        string[] lines =
        [
            "compatibility_level = 3.6",
            $"queue_directory = {_directory["spool"]}",
            $"data_directory = {_directory["data"]}",
            $"maillog_file = {LogPath}",
            $"maillog_file_prefixes = {Path.GetTempPath()}",
            "command_directory = /usr/sbin",
            "daemon_directory = /usr/lib/postfix/sbin",
            "mail_owner = postfix",
            "setgid_group = postdrop",
            $"syslog_name = {_options.Name}",
            $"myhostname = {_options.Hostname}",
            "inet_interfaces = 127.0.0.1",
            "inet_protocols = ipv4",
            "mynetworks = 127.0.0.0/8",
            "smtpd_relay_restrictions = permit_mynetworks, reject_unauth_destination",

            // Every address of its domains ends in one Maildir, whose files say for whom they are.
            "mydestination =",
            "alias_maps =",
            "alias_database =",
            "local_recipient_maps =",
            "local_transport = error:no local users",
            $"virtual_mailbox_domains = {string.Join(", ", _options.Domains)}",
            $"virtual_mailbox_base = {_directory["mail"]}",
            "virtual_mailbox_maps = static:box/",
            $"virtual_uid_maps = static:{Nobody}",
            $"virtual_gid_maps = static:{Nobody}",
            "virtual_mailbox_limit = 0",
            "mailbox_size_limit = 0",
            "message_size_limit = 62914560",

            // Carry content as it is: nothing added, nothing wrapped, nothing recoded.
            "smtputf8_enable = yes",
            "local_header_rewrite_clients =",
            "smtp_line_length_limit = 0",
            "disable_mime_output_conversion = no",
            "header_size_limit = 1048576",

            // Soon again: tests do not wait for minutes.
            "minimal_backoff_time = 2s",
            "maximal_backoff_time = 4s",
            "queue_run_delay = 2s",
            "smtp_tls_loglevel = 1",
            "smtpd_tls_loglevel = 1",
            "smtpd_tls_received_header = yes",
            .. tls,
            .. _options.Settings,
        ];
        return string.Join('\n', lines) + "\n";
    }

    string MasterCf() =>
        $"""
        127.0.0.1:{Port} inet n - n - - smtpd
        pickup    unix  n - n 60 1 pickup
        cleanup   unix  n - n - 0 cleanup
        qmgr      unix  n - n 300 1 qmgr
        tlsmgr    unix  - - n 1000? 1 tlsmgr
        rewrite   unix  - - n - - trivial-rewrite
        bounce    unix  - - n - 0 bounce
        defer     unix  - - n - 0 bounce
        trace     unix  - - n - 0 bounce
        verify    unix  - - n - 1 verify
        flush     unix  n - n 1000? 0 flush
        proxymap  unix  - - n - - proxymap
        proxywrite unix - - n - 1 proxymap
        smtp      unix  - - n - - smtp
        relay     unix  - - n - - smtp
        showq     unix  n - n - - showq
        error     unix  - - n - - error
        retry     unix  - - n - - error
        discard   unix  - - n - - discard
        virtual   unix  - n n - - virtual
        anvil     unix  - - n - 1 anvil
        scache    unix  - - n - 1 scache
        tlsproxy  unix  - - n - 0 tlsproxy
        postlog   unix-dgram n - n - 1 postlogd

        """;
}
